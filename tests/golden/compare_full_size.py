"""Compares Kinora with diffusers on a single file of full size in the layout of its first authors:
Stable Diffusion 1.5's sizes, random weights, 64x64 pixels, float32.

    python tests/golden/compare_full_size.py --kinora build/release/bin/kinora --work /some/folder

The file is read by from_single_file, offline, with the configs in resources/checkpoints. Takes 2.1 GB of
disk, 5 GB of memory and some minutes; the file stays in the folder for the next time. Exit code 1 where
the final latents differ by more than 1e-3, max|a - b| / max|b|.
"""

import argparse
import gc
import math
import os
import subprocess
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from diffusers import (AutoencoderKL, EulerDiscreteScheduler, StableDiffusionPipeline,
                       UNet2DConditionModel)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from generate_checkpoints import unet_names, vae_names

KIND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../resources/checkpoints/sd1")
LIMIT, SEED = 1e-3, 5
PROMPT, NEGATIVE = "a fox in the snow, morning light", "blurry"


def random_weights(shapes):
    """In float16; signals of order one."""
    generator = torch.Generator().manual_seed(SEED)
    tensors = {}
    for name in sorted(shapes):
        values = torch.randn(shapes[name], generator=generator)
        if "embedding.weight" in name:
            values *= 0.5
        elif values.ndim >= 2:
            values *= 1.1 / math.sqrt(values[0].numel())
        else:
            values = values * 0.15 + (1 if "norm" in name and name.endswith("weight") else 0)
        tensors[name] = values.half()
    return tensors


def shapes_of(model):
    return {name: tuple(value.shape) for name, value in model.state_dict().items()
            if "position_ids" not in name}


def write_file(path):
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(
            UNet2DConditionModel.load_config(KIND, subfolder="unet"))
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(KIND, subfolder="vae"))
        text = CLIPTextModel(CLIPTextConfig.from_pretrained(f"{KIND}/text_encoder"))
    tensors = {}
    weights = random_weights(shapes_of(unet))
    for name, old in unet_names(list(weights), unet.config):
        tensors["model.diffusion_model." + old] = weights[name]
    weights = random_weights(shapes_of(vae))
    for name, old in vae_names(list(weights), len(vae.config.block_out_channels)):
        matrix = ".attn_1." in old and weights[name].ndim == 2
        tensors["first_stage_model." + old] = \
            weights[name][..., None, None].contiguous() if matrix else weights[name]
    for name, value in random_weights(shapes_of(text)).items():
        own = name if name.startswith("text_model.") else "text_model." + name
        tensors["cond_stage_model.transformer." + own] = value
    positions = torch.arange(text.config.max_position_embeddings)[None]
    tensors["cond_stage_model.transformer.text_model.embeddings.position_ids"] = positions
    save_file(tensors, path)


def by_reference(path, steps):
    pipe = StableDiffusionPipeline.from_single_file(
        path, config=KIND, local_files_only=True, torch_dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    with torch.no_grad():
        latents = pipe(PROMPT, negative_prompt=NEGATIVE, num_inference_steps=steps, width=64,
                       height=64, guidance_scale=5.0, output_type="latent",
                       generator=torch.Generator("cpu").manual_seed(SEED)).images
    del pipe
    gc.collect()
    return latents


def by_kinora(kinora, path, steps, work):
    found = f"{work}/latents.safetensors"
    subprocess.run([kinora, "image", "--model", path, "--prompt", PROMPT, "--negative", NEGATIVE,
                    "--steps", str(steps), "--width", "64", "--height", "64", "--cfg", "5",
                    "--sampler", "euler", "--seed", str(SEED), "--precision", "f32",
                    "--save-latents", found, "--output", f"{work}/picture.png", "--overwrite",
                    "--quiet"], check=True)
    return load_file(found)["latents"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinora", default="build/release/bin/kinora")
    parser.add_argument("--work", required=True, help="folder for the file")
    parser.add_argument("--steps", type=int, default=2)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    os.makedirs(arguments.work, exist_ok=True)
    path = f"{arguments.work}/full-size-sd1.safetensors"
    if not os.path.exists(path):
        write_file(path)
    found = by_kinora(arguments.kinora, path, arguments.steps, arguments.work)
    wanted = by_reference(path, arguments.steps)
    off = ((found - wanted).abs().max() / wanted.abs().max()).item()
    print(f"{list(found.shape)} largest {wanted.abs().max():.3f}, off by {off:.1e}")
    return not off <= LIMIT


if __name__ == "__main__":
    sys.exit(main())
