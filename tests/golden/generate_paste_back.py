"""What a mask keeps, put back: data/paste_back.safetensors, pictures [16,24,3] in 0..1 (kept, made), a mask of hard and
soft parts, and what diffusers' VaeImageProcessor.apply_overlay makes of them, with the mask as A1111's web UI gives it:
blurred, then twice as strong. Eight bits, as Pillow computes.
"""

import os

import numpy
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from safetensors.torch import save_file
from scipy.ndimage import gaussian_filter

HERE = os.path.dirname(os.path.abspath(__file__))
HEIGHT, WIDTH = 16, 24


def picture(seed):
    return numpy.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), numpy.uint8)


def make_mask():
    mask = numpy.zeros((HEIGHT, WIDTH), numpy.float64)
    mask[3:12, 4:9] = 1
    mask[6:8, 9:20] = numpy.linspace(1, 0, 11)
    mask[13:, 20:] = 0.7
    return numpy.round(255 * mask) / 255


def overlaid(kept, made, mask, blur):
    # Four deviations to each side, mirrored at the outermost pixels.
    soft = gaussian_filter(mask, blur, truncate=4, mode="mirror") if blur else mask
    seen = numpy.where(mask >= 0.5, 1, numpy.clip(2 * soft, 0, 1))
    overlay = Image.fromarray(numpy.round(255 * seen).astype(numpy.uint8))
    result = VaeImageProcessor().apply_overlay(overlay, Image.fromarray(kept),
                                               Image.fromarray(made))
    return numpy.array(result)


def main():
    kept, made, mask = picture(1), picture(2), make_mask()
    arrays = {"kept": kept / 255, "made": made / 255, "mask": mask[..., None]}
    for blur in (0, 1, 2):
        arrays[f"blur-{blur}"] = overlaid(kept, made, mask, blur) / 255
    path = os.path.join(HERE, "data", "paste_back.safetensors")
    save_file({name: torch.from_numpy(numpy.ascontiguousarray(values, numpy.float32))
               for name, values in arrays.items()}, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
