"""A base model that hands its latents to a refiner: data/refiner.json and refiner.safetensors, final
latents of StableDiffusionXLPipeline (denoising_end) and then StableDiffusionXLImg2ImgPipeline
(denoising_start) with one generator for both, tiny-xl and tiny-xl-refiner. The base may begin from a picture of
data/control.

Needs the models of generate_xl.py in data.
"""

import json
import os

import torch
from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
from safetensors.torch import save_file

from generate_control import corner
from generate_schedulers import make

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
CASES = {
    "euler": dict(sampler="euler", steps=10, refinerAt=0.8),
    "half": dict(sampler="dpmpp_2m", steps=7, refinerAt=0.5, negative="dark"),
    "ancestral": dict(sampler="euler_a", steps=6, refinerAt=0.65, count=2),
    "two-calls": dict(sampler="heun", steps=6, refinerAt=0.7),
    "ddim": dict(sampler="ddim", steps=8, refinerAt=0.34, negative="blurry cat"),
    "picture": dict(sampler="euler", steps=10, refinerAt=0.8, strength=0.65, init="picture",
                    width=64, height=64),
    "picture-two": dict(sampler="dpmpp_2m", steps=8, refinerAt=0.6, strength=0.75, init="picture",
                        width=48, height=64, count=2, negative="dark"),
}
COMMON = dict(prompt="a photo of a red apple, 3d emoji", negative="", cfg=5.0, seed=11, count=1)


def load(kind, model, request):
    pipeline = kind.from_pretrained(os.path.join(DATA, model), torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(DATA, model, "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make(request["sampler"], json.load(file), "normal", request["steps"])
    return pipeline


def run(request):
    begun = "init" in request
    base = load(StableDiffusionXLImg2ImgPipeline if begun else StableDiffusionXLPipeline, "tiny-xl",
                request)
    refiner = load(StableDiffusionXLImg2ImgPipeline, "tiny-xl-refiner", request)
    found = []
    for index in range(request["count"]):
        generator = torch.Generator("cpu").manual_seed(request["seed"] + index)
        how = dict(prompt=request["prompt"], negative_prompt=request["negative"] or None,
                   num_inference_steps=request["steps"], guidance_scale=request["cfg"],
                   output_type="latent", generator=generator)
        more = {}
        if begun:
            more = dict(image=corner(request["init"], request), strength=request["strength"])
        latents = base(**how, **more, denoising_end=request["refinerAt"]).images
        found.append(refiner(**how, image=latents, denoising_start=request["refinerAt"]).images)
    return torch.cat(found).contiguous()


def main():
    torch.set_grad_enabled(False)
    cases, expected = {}, {}
    for name, own in CASES.items():
        cases[name] = {**COMMON, **own}
        expected[name] = run(cases[name])
    with open(os.path.join(DATA, "refiner.json"), "w") as file:
        json.dump(cases, file, indent=1)
        file.write("\n")
    path = os.path.join(DATA, "refiner.safetensors")
    save_file(expected, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
