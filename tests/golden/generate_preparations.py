"""What is made of pictures before nets follow them: data/preparations.safetensors, by OpenCV.

    pip install opencv-python-headless
"""

import os

import cv2
import numpy as np
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def make_picture(width, height, seed):
    """Shapes with sharp and soft edges, slopes in all directions, and noise: 8 bits."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    picture = np.stack([120 + 60 * np.sin(x / 9 + c) * np.cos(y / (11 + 3 * c)) for c in range(3)],
                       -1)
    picture[np.hypot(x - width / 3, y - height / 2) < height / 4] = (230, 90, 40)
    picture[(x + 2 * y > width + height) & (x > width / 2)] = (20, 60, 140)
    picture[10:14, 5:width - 7] = 10
    # An edge that grows softer on its way down: strong, weak, none.
    softness = 0.4 + 3.5 * y / height
    ramp = 55 / (1 + np.exp(-(x - 0.72 * width) / softness))
    picture += ramp[..., None]
    picture[5:height - 9, width - 12:width - 9] -= 90
    return (picture + random.normal(0, 4, picture.shape)).clip(0, 255).round().astype(np.uint8)


def darker(fine, wide):
    return np.min(wide - fine, axis=2).clip(0, 1)


def blur(picture, sigma):
    size = 2 * round(4 * sigma) + 1
    return cv2.GaussianBlur(picture, (size, size), sigma)


def line_art(picture):
    lines = darker(picture, blur(picture, 6))
    lines = lines / max(16 / 255, np.median(lines[lines > 8 / 255]))
    return (lines / 2).clip(0, 1)


def main():
    tensors = {}
    for name, size in (("a", (96, 80)), ("b", (61, 47))):
        bytes_ = make_picture(*size, seed=len(tensors))
        picture = bytes_.astype(np.float32) / 255
        tensors[name] = picture
        tensors[f"{name}.canny"] = cv2.Canny(bytes_, 100, 200).astype(np.float32) / 255
        tensors[f"{name}.blur"] = blur(picture, 9)
        stroke = darker(blur(picture, 0.5), blur(picture, 5)) > 16 / 255
        tensors[f"{name}.scribble"] = stroke.astype(np.float32)
        tensors[f"{name}.lineart"] = line_art(picture).astype(np.float32)
    path = os.path.join(HERE, "data", "preparations.safetensors")
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, path,
              metadata={"opencv": cv2.__version__})
    os.chmod(path, 0o644)
    for key, value in tensors.items():
        print(key, value.shape, float(value.mean()))


if __name__ == "__main__":
    main()
