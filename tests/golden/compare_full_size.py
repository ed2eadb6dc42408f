"""Compares Kinora with diffusers on a single file of full size in the layout of its first authors: sizes of
Stable Diffusion 1.5 or XL, random weights, 64x64 pixels.

    python tests/golden/compare_full_size.py --kinora build/release/bin/kinora --work /some/folder

The file is read by from_single_file, offline, with the configs in resources/checkpoints. Takes 2.1 GB of
disk (XL 6.9 GB), 5 GB of memory (9 GB) and some minutes; the file stays in the folder for the next time.
1.5 runs in float32. XL would take more than 10 GB so: Kinora computes in bfloat16, the reference in float32
on weights that are kept in bfloat16, which tells whether each weight is in its place. Exit code 1 where
the final latents differ by more than the limit, max|a - b| / max|b|.
"""

import argparse
import math
import os
import subprocess
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from diffusers import (AutoencoderKL, EulerDiscreteScheduler, StableDiffusionPipeline,
                       StableDiffusionXLPipeline, UNet2DConditionModel)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from generate_checkpoints import open_clip, unet_names, vae_names

KINDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../resources/checkpoints")
# Pipeline, number format of the file, what Kinora computes in, limit; text encoders: class, prefix.
MODELS = {
    "sd1": (StableDiffusionPipeline, torch.float16, "f32", 1e-3,
            {"text_encoder": (CLIPTextModel, "cond_stage_model.transformer.")}),
    "sdxl": (StableDiffusionXLPipeline, torch.bfloat16, "bf16", 5e-2,
             {"text_encoder": (CLIPTextModel, "conditioner.embedders.0.transformer."),
              "text_encoder_2": (CLIPTextModelWithProjection, "conditioner.embedders.1.model.")}),
}
SEED = 5
PROMPT, NEGATIVE = "a fox in the snow, morning light", "blurry"


def random_weights(shapes, dtype):
    """Signals of order one. Parts of one long draw, which takes a tenth of the time of drawing all."""
    generator = torch.Generator().manual_seed(SEED)
    drawn = torch.randn(2 ** 26, generator=generator)
    tensors = {}
    for name in sorted(shapes):
        count = math.prod(shapes[name])
        first = int(torch.randint(0, len(drawn) - count, (1,), generator=generator))
        values = drawn[first:first + count].reshape(shapes[name]).clone()
        if "embedding.weight" in name:
            values *= 0.5
        elif values.ndim >= 2:
            values *= 1.1 / math.sqrt(values[0].numel())
        else:
            values = values * 0.15 + (1 if "norm" in name and name.endswith("weight") else 0)
        tensors[name] = values.to(dtype)
    return tensors


def shapes_of(model):
    return {name: tuple(value.shape) for name, value in model.state_dict().items()
            if "position_ids" not in name}


def write_file(path, kind, dtype, texts):
    folder, tensors = f"{KINDS}/{kind}", {}
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(
            UNet2DConditionModel.load_config(folder, subfolder="unet"))
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(folder, subfolder="vae"))
        texts = {name: (cls(CLIPTextConfig.from_pretrained(f"{folder}/{name}")), prefix)
                 for name, (cls, prefix) in texts.items()}
    weights = random_weights(shapes_of(unet), dtype)
    for name, old in unet_names(list(weights), unet.config):
        tensors["model.diffusion_model." + old] = weights[name]
    weights = random_weights(shapes_of(vae), dtype)
    for name, old in vae_names(list(weights), len(vae.config.block_out_channels)):
        matrix = ".attn_1." in old and weights[name].ndim == 2
        tensors["first_stage_model." + old] = \
            weights[name][..., None, None].contiguous() if matrix else weights[name]
    for name, (text, prefix) in texts.items():
        weights = random_weights(shapes_of(text), dtype)
        if name == "text_encoder":
            weights = {own if own.startswith("text_model.") else "text_model." + own: value
                       for own, value in weights.items()}
            positions = torch.arange(text.config.max_position_embeddings)[None]
            weights["text_model.embeddings.position_ids"] = positions
        else:
            weights = open_clip(weights, text.config.num_hidden_layers, 0)
        tensors.update({prefix + own: value.contiguous() for own, value in weights.items()})
    save_file(tensors, path)


def in_float32(pipe):
    """Computes so, but keeps the denoiser's matrices as the file has them."""
    for name in ("text_encoder", "text_encoder_2"):
        getattr(pipe, name).float()
    pipe.unet.enable_layerwise_casting(storage_dtype=torch.bfloat16, compute_dtype=torch.float32,
                                       skip_modules_pattern=())
    for module in pipe.unet.modules():
        if isinstance(module, (torch.nn.GroupNorm, torch.nn.LayerNorm)):
            module.float()


def by_reference(path, kind, steps):
    cls, dtype = MODELS[kind][:2]
    small = kind == "sd1"
    more = dict(safety_checker=None) if small else dict(add_watermarker=False)
    pipe = cls.from_single_file(path, config=f"{KINDS}/{kind}", local_files_only=True,
                                torch_dtype=torch.float32 if small else dtype, **more)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    if not small:
        in_float32(pipe)
    with torch.no_grad():
        return pipe(PROMPT, negative_prompt=NEGATIVE, num_inference_steps=steps, width=64,
                    height=64, guidance_scale=5.0, output_type="latent",
                    generator=torch.Generator("cpu").manual_seed(SEED)).images


def by_kinora(kinora, path, precision, steps, work):
    found = f"{work}/latents.safetensors"
    subprocess.run([kinora, "image", "--model", path, "--prompt", PROMPT, "--negative", NEGATIVE,
                    "--steps", str(steps), "--width", "64", "--height", "64", "--cfg", "5",
                    "--sampler", "euler", "--seed", str(SEED), "--precision", precision,
                    "--save-latents", found, "--output", f"{work}/picture.png", "--overwrite",
                    "--quiet"], check=True)
    return load_file(found)["latents"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinora", default="build/release/bin/kinora")
    parser.add_argument("--work", required=True, help="folder for the file")
    parser.add_argument("--kind", choices=list(MODELS), default="sd1")
    parser.add_argument("--steps", type=int, default=2)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    os.makedirs(arguments.work, exist_ok=True)
    _, dtype, precision, limit, texts = MODELS[arguments.kind]
    path = f"{arguments.work}/full-size-{arguments.kind}.safetensors"
    if not os.path.exists(path):
        write_file(path, arguments.kind, dtype, texts)
    found = by_kinora(arguments.kinora, path, precision, arguments.steps, arguments.work)
    wanted = by_reference(path, arguments.kind, arguments.steps)
    off = ((found - wanted).abs().max() / wanted.abs().max()).item()
    print(f"{list(found.shape)} largest {wanted.abs().max():.3f}, off by {off:.1e}")
    return not off <= limit


if __name__ == "__main__":
    sys.exit(main())
