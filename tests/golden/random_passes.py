"""Runs of more than one pass, drawn at random: a second pass over the enlarged picture, a refiner that
goes on with the latents.

    passes = draw_passes(draw, run)
    passes.options()             Kinora's
    passes.latents(run, index)   by the reference
"""

import copy
import random
import shutil

import numpy as np
import torch
from PIL import Image

import random_models

PASSES = ("one", "hires", "refiner")


class OnePass:
    name = "one"
    goes_with = None  # names of the additions that it is compared with; None: all

    def describe(self):
        return ""

    def options(self):
        return []

    def latents(self, run, index):
        return run.call(run.generator(index))


def enlarged(picture, width, height):
    """[1, 3, h, w] in 0..1 by Lanczos' filter over floats, along the rows first."""
    channels = []
    for channel in picture[0].numpy():
        image = Image.fromarray(channel)
        for size in ((width, image.size[1]), (width, height)):
            values = np.asarray(image.resize(size, Image.LANCZOS))
            image = Image.fromarray(np.clip(values, 0, 1))
        channels.append(np.asarray(image))
    return torch.tensor(np.stack(channels))[None]


class Hires(OnePass):
    """Text to image, enlarged, image to image with the same seed."""

    name = "hires"
    goes_with = ("Nothing", "Loras", "Vae", "FreeU", "Words", "Language", "IpAdapters")

    def __init__(self, draw, run):
        run.count, run.rescale = 1, 0.0
        self.times = draw.choice([1.0, 1.3, 1.5, 2.0])
        self.steps, self.strength = draw.choice([1, 2, 3, 5, 8]), draw.choice([0.2, 0.5, 0.77, 1.0])
        while int(self.steps * self.strength) < 1:
            self.steps += 1
        step = run.factor
        self.width, self.height = (max(int(side * self.times / step + 0.5), 1) * step
                                   for side in (run.width, run.height))

    def fits(self):
        return self.width % 8 == 0 and self.height % 8 == 0  # which the reference asks for

    def describe(self):
        return f"hires {self.times} to {self.width}x{self.height} {self.steps} {self.strength}"

    def options(self):
        return ["--hires", self.times, "--hires-steps", self.steps,
                "--hires-strength", self.strength]

    def latents(self, run, index):
        first = run.call(run.generator(index))
        picture = run.decoded(first)
        second = copy.copy(run)
        second.mode, second.init, second.strength = "image", None, self.strength
        second.steps, second.width, second.height = self.steps, self.width, self.height
        return second.call(run.generator(index),
                           image=enlarged(picture, self.width, self.height))


class Refiner(OnePass):
    """SDXL's second model, from a share of the noise levels on."""

    name = "refiner"
    goes_with = ("Nothing", "Loras", "FreeU")

    def __init__(self, draw, run):
        run.clip_skip = 0
        self.at = draw.choice([0.2, 0.34, 0.5, 0.65, 0.8, 0.9])
        run.steps = max(run.steps, 4)
        self.folder = build_refiner(f"{run.work}/refiner-of-this", draw, run.folder)

    def describe(self):
        return f"refiner at {self.at}"

    def options(self):
        return ["--refiner", self.folder.path, "--refiner-at", self.at]

    def latents(self, run, index):
        generator = run.generator(index)
        latents = run.call(generator, denoising_end=self.at)
        second = copy.copy(run)
        second.folder, second.addition = self.folder, run.addition.of_refiner()
        second.mode = "image"
        second.init, second.strength, second.scores = None, None, [6.0, 2.5]
        return second.call(generator, image=latents, denoising_start=self.at)


def build_refiner(path, draw, base):
    """A refiner for the base model's latents: of its autoencoder and its noise."""
    shutil.rmtree(path, ignore_errors=True)  # of the run before
    parts = random_models.text_parts(path, draw, "refiner")
    parts.update(random_models.picture_parts(draw, "refiner", parts))
    for name in sorted(parts):
        if "tokenizer" not in name and name != "vae":
            random_models.randomise(parts[name], draw.randrange(2 ** 31))
    parts["vae"] = base.parts["vae"]
    random_models.store(path, draw, parts)
    scheduler = {k: v for k, v in base.scheduler.items() if not k.startswith("_")}
    scheduler.update(_class_name=base.scheduler["_class_name"], _diffusers_version="0.42.1",
                     prediction_type=draw.choice(["epsilon", scheduler["prediction_type"]]))
    random_models.write_json(f"{path}/scheduler/scheduler_config.json", scheduler)
    index = random_models.model_index(draw, "refiner", parts, scheduler["_class_name"])
    random_models.write_json(f"{path}/model_index.json", index)
    scheduler = random_models.as_pipeline_has_it(scheduler, "refiner")
    return random_models.Folder(path, "refiner", parts, scheduler, index)


def draw_passes(draw, run):
    kind, vae = run.folder.kind, run.folder.parts["vae"].config
    own = random.Random(draw.randrange(2 ** 31))
    if kind not in ("sd", "sdxl") or run.mode == "mask" or vae.out_channels != 3:
        return OnePass()
    drawn = own.random()
    if drawn < 0.2:
        hires = Hires(own, run)
        return hires if hires.fits() else OnePass()
    if drawn < 0.45 and kind == "sdxl" and vae.latent_channels == 4:
        return Refiner(own, run)
    return OnePass()
