"""Convolutions of a UNet's own sizes by PyTorch: data/convolution.safetensors, some outputs of them.

Operands are too large to keep: they come from `values`, which the test computes as well. PyTorch
computes in double, so that what is compared with is exact to the last bit of f32.
"""

import os

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = ((32, 320), (10, 1280))  # pixels in each direction, channels
KEPT = slice(3, None, 37)  # every 37th output channel


def values(shape, seed):
    """Uniform in [-1, 1), from the index alone."""
    with np.errstate(over="ignore"):
        mixed = (np.arange(np.prod(shape), dtype=np.uint32) + np.uint32(seed)) * np.uint32(0x9E3779B1)
        mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x85EBCA77)
        mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE3D)
    mixed ^= mixed >> np.uint32(16)
    numbers = (mixed >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)
    return torch.from_numpy(numbers.reshape(shape)).double()


def convolved(pixels, channels):
    picture = values((1, pixels, pixels, channels), 1000).permute(0, 3, 1, 2)
    kernels = values((channels, channels, 3, 3), 2000)
    bias = values((channels,), 3000)
    residual = values((1, pixels, pixels, channels), 4000)
    result = torch.nn.functional.conv2d(picture, kernels, bias, padding=1)
    result = result.permute(0, 2, 3, 1) + residual
    return np.ascontiguousarray(result[..., KEPT].float().numpy())


def main():
    kept = {str(channels): convolved(pixels, channels) for pixels, channels in SIZES}
    path = os.path.join(HERE, "data", "convolution.safetensors")
    save_file(kept, path, {"torch": torch.__version__})
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
