"""What torch.randn draws on a CUDA device: data/noise/torch_cuda.safetensors. Needs such a device.

One tensor per seed: all draws of one generator in order, of each draw every STRIDE-th value; the counts and the
device stand in the file's metadata. The counts stay below the number of threads of the device, beyond which the
numbers depend on it.
"""

import argparse
import json
import os

import torch
from safetensors.torch import save_file

SEEDS = [0, 1, 42, 2**32 - 1, 2**32, 2**32 + 42, 2**63 - 1]
COUNTS = [1, 5, 16, 100, 3, 1024, 2, 4 * 64 * 64, 48, 4 * 128 * 128, 1]
STRIDE = 61


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.join(here, "data", "noise"))
    folder = parser.parse_args().out
    os.makedirs(folder, exist_ok=True)
    tensors = {}
    for seed in SEEDS:
        generator = torch.Generator("cuda").manual_seed(seed)
        draws = [torch.randn(n, generator=generator, device="cuda")[::STRIDE].cpu() for n in COUNTS]
        tensors[str(seed)] = torch.cat(draws)
    save_file(tensors, os.path.join(folder, "torch_cuda.safetensors"),
              {"counts": json.dumps(COUNTS), "stride": str(STRIDE), "torch": torch.__version__,
               "device": torch.cuda.get_device_name()})


if __name__ == "__main__":
    main()
