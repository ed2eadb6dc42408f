"""Pictures that are denoised in windows: data/windows.json and windows.safetensors, final latents of
StableDiffusionPanoramaPipeline (windows of 64 latents, eight apart) with tiny-sd1. Samplers whose step is linear in the prediction:
the panorama averages what each window's step gives, Kinora what is predicted.

Needs the models of generate_models.py in data.
"""

import json
import os

import torch
from diffusers import StableDiffusionPanoramaPipeline
from safetensors.torch import save_file

from generate_schedulers import make

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
CASES = {
    "euler": dict(sampler="euler", steps=2, width=640, height=512),
    "both-ways": dict(sampler="dpmpp_2m", steps=3, width=576, height=576, negative="blurry"),
    "unguided": dict(sampler="euler", steps=2, width=576, height=512, cfg=1.0),
}
COMMON = dict(prompt="a photo of a red apple, 3d emoji", negative="", cfg=5.0, seed=5,
              denoiseTile=512, denoiseStride=64)


def run(request):
    pipeline = StableDiffusionPanoramaPipeline.from_pretrained(
        os.path.join(DATA, "tiny-sd1"), torch_dtype=torch.float32, safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(DATA, "tiny-sd1", "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make(request["sampler"], json.load(file), "normal", request["steps"])
    return pipeline(request["prompt"], negative_prompt=request["negative"],
                    num_inference_steps=request["steps"], guidance_scale=request["cfg"],
                    width=request["width"], height=request["height"], output_type="latent",
                    generator=torch.Generator("cpu").manual_seed(request["seed"])
                    ).images.contiguous()


def main():
    torch.set_grad_enabled(False)
    cases, expected = {}, {}
    for name, own in CASES.items():
        cases[name] = {**COMMON, **own}
        expected[name] = run(cases[name])
    with open(os.path.join(DATA, "windows.json"), "w") as file:
        json.dump(cases, file, indent=1)
        file.write("\n")
    path = os.path.join(DATA, "windows.safetensors")
    save_file(expected, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
