"""Pictures that Pillow resizes by Lanczos' filter: data/resize.safetensors, values of 8 bits over 255.
Needs pillow.
"""

import os

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = {"smaller": (7, 5), "larger": (40, 33), "wider": (30, 6), "lower": (18, 5), "one": (1, 1)}


def main():
    source = np.random.RandomState(5)
    values = {}
    for mode, channels in (("RGB", 3), ("RGBA", 4)):
        pixels = source.randint(0, 256, (13, 19, channels)).astype(np.uint8)
        pixels[4:9, 5:12, :3] = 250
        if channels == 4:
            pixels[6:, :9, 3] = 0
            pixels[:5, 9:, 3] = 255
        values[mode] = pixels
        for name, size in SIZES.items():
            resized = Image.fromarray(pixels, mode).resize(size, Image.Resampling.LANCZOS)
            values[f"{mode}.{name}"] = np.asarray(resized)
    path = os.path.join(HERE, "data", "resize.safetensors")
    save_file({key: np.ascontiguousarray(value.astype(np.float32) / 255)
               for key, value in values.items()}, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
