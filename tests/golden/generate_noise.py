"""What torch.randn draws on the CPU: data/noise/torch_cpu.safetensors.

One tensor per seed, all draws of one generator in order; the counts stand in the file's metadata.
"""

import argparse
import json
import os

import torch
from safetensors.torch import save_file

from versions import write_versions

SEEDS = [0, 1, 42, 2**32 - 1, 2**32, 2**32 + 42, 2**63 - 1]
# Below 16 values the scalar path makes pairs and keeps the second: odd counts carry it over, also
# past a larger draw. A count that is no multiple of 16 draws its last 16 anew.
COUNTS = [1, 5, 15, 16, 17, 31, 100, 3, 1024, 2, 7, 48, 1]
LARGE = {42: [4 * 64 * 64, 5]}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.join(here, "data", "noise"))
    folder = parser.parse_args().out
    os.makedirs(folder, exist_ok=True)
    tensors, counts = {}, {}
    for seed in SEEDS:
        generator = torch.Generator("cpu").manual_seed(seed)
        counts[str(seed)] = COUNTS + LARGE.get(seed, [])
        draws = [torch.randn(n, generator=generator) for n in counts[str(seed)]]
        tensors[str(seed)] = torch.cat(draws)
    save_file(tensors, os.path.join(folder, "torch_cpu.safetensors"),
              {"counts": json.dumps(counts)})
    write_versions(folder, ["torch", "safetensors"])


if __name__ == "__main__":
    main()
