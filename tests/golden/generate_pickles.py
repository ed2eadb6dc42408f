"""What torch.save writes: data/tiny-sd1.ckpt, the weights of tiny-sd1.safetensors among what a
trainer leaves beside them, and data/pickles, tensors of every type and shape in today's archive and
in the format from before PyTorch 1.6, with the same values in expected.safetensors.
"""

import collections
import os

import torch
from safetensors.torch import load_file, save_file

from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")


def odd_tensors():
    generator = torch.Generator().manual_seed(11)
    base = torch.randn(6, 5, generator=generator)
    shared = torch.randn(40, generator=generator)
    return collections.OrderedDict([
        ("f32", base.clone()), ("f16", base.half()), ("bf16", base.bfloat16()),
        ("f64", base.double()), ("i64", torch.arange(7)), ("i32", torch.arange(5).int()),
        ("i16", torch.arange(3).short()), ("u8", torch.arange(4).byte()),
        ("bool", torch.tensor([True, False, True])), ("scalar", torch.tensor(2.5)),
        ("turned", base.t()), ("every.second", base[:, ::2]),
        ("shared.begin", shared[:10]), ("shared.end", shared[30:].reshape(2, 5)),
        ("parameter", torch.nn.Parameter(base + 1)),
    ])


def main():
    weights = load_file(os.path.join(DATA, "tiny-sd1.safetensors"))
    torch.save({"state_dict": collections.OrderedDict(weights), "global_step": 840000, "epoch": 3,
                "pytorch-lightning_version": "1.4.2", "lr_schedulers": [{"last_lr": [1e-4, None]}],
                "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}}]},
               os.path.join(DATA, "tiny-sd1.ckpt"))
    folder = os.path.join(DATA, "pickles")
    os.makedirs(folder, exist_ok=True)
    tensors = odd_tensors()
    eights = collections.OrderedDict(
        (name, torch.linspace(-3, 3, 12).reshape(3, 4).to(dtype))
        for name, dtype in (("e4m3", torch.float8_e4m3fn), ("e5m2", torch.float8_e5m2)))
    torch.save(tensors, os.path.join(folder, "archive.pt"))
    torch.save(eights, os.path.join(folder, "eights.pt"))
    torch.save(tensors, os.path.join(folder, "old.pt"), _use_new_zipfile_serialization=False)
    expected = {name: value.detach().float().contiguous() for name, value in tensors.items()}
    expected.update({name: value.float() for name, value in eights.items()})
    save_file(expected, os.path.join(folder, "expected.safetensors"))
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)
    write_versions(folder, ["torch", "safetensors"])


if __name__ == "__main__":
    main()
