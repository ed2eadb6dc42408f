"""Tiny upscalers with random weights, in the layouts that people share: data/upscalers/<name>.pth or
.safetensors; data/upscalers/expected.safetensors holds a picture and what becomes of it.

Who says what is right: spandrel, which recognises and runs such files independently of what is here.

Needs spandrel (and torchvision).
"""

import os

import torch
from safetensors.torch import save_file
from spandrel import ModelLoader
from spandrel.architectures.ESRGAN.__arch import RRDB as rrdb

from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data", "upscalers")


def shapes(scale_inner, features, growth, blocks, unshuffle):
    """Names of BasicSR and their shapes, written from the published description."""
    layers = {"conv_first": (features, 3 * unshuffle ** 2)}
    for block in range(blocks):
        for dense in (1, 2, 3):
            for conv in range(5):
                out = growth if conv < 4 else features
                layers[f"body.{block}.rdb{dense}.conv{conv + 1}"] = (out, features + conv * growth)
    layers["conv_body"] = (features, features)
    for up in range(scale_inner):
        layers[f"conv_up{up + 1}"] = (features, features)
    layers["conv_hr"] = (features, features)
    layers["conv_last"] = (3, features)
    return layers


def within_range(tensors, last, contrast, middle):
    """So that few pixels are beyond 0 and 1, where the result is cut off."""
    tensors[f"{last}.weight"] *= contrast
    tensors[f"{last}.bias"] += middle


def half(tensors):
    return {name: value.half() for name, value in tensors.items()}


def draw(layers, seed):
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, (out, inner) in layers.items():
        size = 1.2 / (9 * inner) ** 0.5
        tensors[f"{name}.weight"] = torch.randn(out, inner, 3, 3, generator=generator) * size
        tensors[f"{name}.bias"] = torch.randn(out, generator=generator) * 0.05
    within_range(tensors, "conv_last", 0.2, 0.5)
    return half(tensors)


def older(tensors):
    words = (("rdb", "RDB"), ("conv_body", "trunk_conv"), ("conv_up", "upconv"),
             ("conv_hr", "HRconv"))
    renamed = {}
    for name, value in tensors.items():
        name = "RRDB_trunk." + name[5:] if name.startswith("body.") else name
        for new, old in words:
            name = name.replace(new, old)
        renamed[name] = value
    return renamed


def oldest(tensors, blocks, ups):
    renamed = {}
    tail = {f"conv_up{i + 1}": 3 * (i + 1) for i in range(ups)}
    tail.update(conv_hr=3 * ups + 2, conv_last=3 * ups + 4)
    for name, value in tensors.items():
        layer, end = name.rsplit(".", 1)
        if layer == "conv_first":
            new = f"model.0.{end}"
        elif layer == "conv_body":
            new = f"model.1.sub.{blocks}.{end}"
        elif layer.startswith("body."):
            _, block, dense, conv = layer.split(".")
            new = f"model.1.sub.{block}.{dense.upper()}.{conv}.0.{end}"
        else:
            new = f"model.{tail[layer]}.{end}"
        renamed[new] = value
    return renamed


def compact(scale, features, blocks, seed):
    generator = torch.Generator().manual_seed(seed)
    tensors = {}

    def convolution(index, out, inner):
        size = 1.4 / (9 * inner) ** 0.5
        tensors[f"body.{index}.weight"] = torch.randn(out, inner, 3, 3, generator=generator) * size
        tensors[f"body.{index}.bias"] = torch.randn(out, generator=generator) * 0.05

    inner = 3
    for block in range(blocks + 1):
        convolution(2 * block, features, inner)
        tensors[f"body.{2 * block + 1}.weight"] = torch.rand(features, generator=generator) * 0.5
        inner = features
    convolution(2 * blocks + 2, 3 * scale ** 2, features)
    within_range(tensors, f"body.{2 * blocks + 2}", 0.1, 0.0)
    return half(tensors)


def with_growth(growth):
    """Spandrel has 32 as a constant, as all files that people share have; four makes them small."""
    block = rrdb.B.RRDB

    def small(*arguments, **named):
        return block(*arguments, **{**named, "gc": growth})
    rrdb.B.RRDB = small


def main():
    with_growth(4)
    os.makedirs(DATA, exist_ok=True)
    four = draw(shapes(2, 8, 4, 2, 1), 1)
    files = {
        "esrgan-x4.pth": {"params_ema": four},
        "esrgan-x4-older.safetensors": older(four),
        "esrgan-x4-oldest.pth": oldest(four, 2, 2),
        "esrgan-x2-oldest.safetensors": oldest(draw(shapes(1, 6, 4, 1, 1), 2), 1, 1),
        "esrgan-x8-oldest.safetensors": oldest(draw(shapes(3, 6, 4, 1, 1), 3), 1, 3),
        "real-esrgan-x2.pth": {"params": draw(shapes(2, 8, 4, 1, 2), 4)},
        "real-esrgan-x1.safetensors": draw(shapes(2, 6, 4, 1, 4), 5),
        "compact-x4.pth": {"params": compact(4, 8, 3, 6)},
        "compact-x2.safetensors": compact(2, 6, 1, 7),
    }
    generator = torch.Generator().manual_seed(20)
    picture = torch.rand(1, 3, 11, 14, generator=generator)
    expected = {"picture": picture.permute(0, 2, 3, 1).contiguous()}
    for name, content in files.items():
        path = os.path.join(DATA, name)
        if name.endswith(".pth"):
            torch.save(content, path)
        else:
            save_file({key: value.contiguous() for key, value in content.items()}, path)
        os.chmod(path, 0o644)
        model = ModelLoader().load_from_file(path)
        with torch.no_grad():
            # The network itself: what is around it pads odd pictures to multiples of four.
            result = model.model(picture).clamp(0, 1)
        print(name, model.architecture.name, model.scale, tuple(result.shape),
              float(result.std()))
        expected[name] = result.permute(0, 2, 3, 1).contiguous()
    save_file(expected, os.path.join(DATA, "expected.safetensors"))
    write_versions(DATA, ("torch", "safetensors", "spandrel"))


if __name__ == "__main__":
    main()
