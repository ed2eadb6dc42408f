"""Whole runs of SDXL in bfloat16 beside the same in float32, by StableDiffusionXLPipeline:
data/bf16/<case>.json and .safetensors, as in data/pipelines, with "latents" (float32) and "bf16".

How far bfloat16 may be from float32 follows from the reference: its own distance is the measure.
Both are given the same noise, and the prompt's embeddings rounded alike.

Needs the models of generate_xl.py in data.
"""

import argparse
import json
import os

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

from generate_pipelines import APPLE, DATA, HERE, ODD, ROOT
from generate_schedulers import make
from versions import write_versions

# name: (model, request)
CASES = {
    "xl": ("tiny-xl", dict(prompt=APPLE, negative="blurry", sampler="euler", steps=6, cfg=3.0)),
    "xl-dpmpp": ("tiny-xl", dict(prompt=ODD, sampler="dpmpp_2m", steps=8, cfg=4.0, width=40,
                                 height=56)),
    "xl-odd": ("tiny-xl-odd", dict(prompt=APPLE, sampler="ddim", steps=5, cfg=3.0, width=24,
                                   height=40)),
}


def run(model, request, dtype):
    folder = os.path.join(ROOT, DATA, model)
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, torch_dtype=dtype,
                                                         add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make(request["sampler"], json.load(file), "normal", request["steps"])
    size = {key: request[key] for key in ("width", "height") if key in request}
    factor = pipeline.vae_scale_factor
    sides = [size.get(key, pipeline.default_sample_size * factor) // factor
             for key in ("height", "width")]
    noise = torch.randn(1, pipeline.unet.config.in_channels, *sides,
                        generator=torch.Generator("cpu").manual_seed(request["seed"]))
    return pipeline(prompt=request["prompt"], negative_prompt=request.get("negative"), **size,
                    num_inference_steps=request["steps"], guidance_scale=request["cfg"],
                    latents=noise.to(dtype), output_type="latent").images.float()


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    out = os.path.join(HERE, "data", "bf16")
    os.makedirs(out, exist_ok=True)
    for name, (model, request) in CASES.items():
        request = dict({"seed": 21}, **request)
        exact, rounded = run(model, request, torch.float32), run(model, request, torch.bfloat16)
        save_file({"latents": exact.contiguous(), "bf16": rounded.contiguous()},
                  os.path.join(out, f"{name}.safetensors"))
        os.chmod(os.path.join(out, f"{name}.safetensors"), 0o644)
        with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
            json.dump({"model": f"{DATA}/{model}", "request": request,
                       "expected": f"{name}.safetensors"}, file, indent=1, ensure_ascii=False)
            file.write("\n")
        print(f"{name}: largest {exact.abs().max():.3f}, bfloat16 differs by "
              f"{(exact - rounded).abs().max() / exact.abs().max():.4f} of that")
    write_versions(out, ["torch", "diffusers", "transformers", "numpy", "safetensors"])


if __name__ == "__main__":
    main()
