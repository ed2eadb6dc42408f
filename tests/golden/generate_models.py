"""Writes tiny models and what the reference computes with each of their parts.

    python generate_models.py --out data

data/<model>/                a diffusers folder (tiny_models.py)
data/<model>-parts.safetensors   inputs and outputs of its text encoder, denoiser and decoder
data/unet-lcm/, data/unet-lcm-parts.safetensors   a denoiser alone, of the kind LCM models have

Pictures are stored channels last. Everything is computed in float32.
"""

import argparse
import copy
import os
import platform
import shutil

import diffusers
import safetensors
import torch
import transformers
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from tiny_models import MODELS, build, randomise

# Guidance as an input, no middle block, padding of the autoencoders' kind, heads that do not
# divide the channels.
LCM_UNET = dict(sample_size=6, in_channels=3, out_channels=2, block_out_channels=(8, 12),
                down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
                mid_block_type=None, layers_per_block=1, attention_head_dim=(3, 5),
                norm_num_groups=2, cross_attention_dim=10, time_cond_proj_dim=6,
                downsample_padding=0, act_fn="relu", use_linear_projection=True,
                upcast_attention=True)


def channels_last(picture):
    return picture.permute(0, 2, 3, 1).contiguous()


def channels_first(picture):
    return picture.permute(0, 3, 1, 2)


def run_text(pipeline, generator):
    """Hidden states of the last layer and of the one before it, both after the final norm."""
    encoder = pipeline.text_encoder
    config = encoder.config
    length = config.max_position_embeddings
    ids = torch.randint(0, config.vocab_size, (2, length), generator=generator)
    ids[:, 0], ids[0, length // 2:] = config.bos_token_id, config.eos_token_id
    result = encoder(ids, output_hidden_states=True)
    model = getattr(encoder, "text_model", encoder)
    return {"text.ids": ids.to(torch.int32),
            "text.last": result.last_hidden_state,
            "text.skip2": model.final_layer_norm(result.hidden_states[-2])}


def run_unet(unet, generator, name, size, timesteps):
    config = unet.config
    batch = len(timesteps)
    sample = torch.randn(batch, *size, config.in_channels, generator=generator)
    context = torch.randn(batch, 7, config.cross_attention_dim, generator=generator)
    values = {f"{name}.sample": sample, f"{name}.context": context,
              f"{name}.timesteps": torch.tensor(timesteps, dtype=torch.float32)}
    condition = None
    if config.time_cond_proj_dim:
        condition = torch.randn(batch, config.time_cond_proj_dim, generator=generator)
        values[f"{name}.condition"] = condition
    result = unet(channels_first(sample), values[f"{name}.timesteps"], context,
                  timestep_cond=condition).sample
    values[f"{name}.output"] = channels_last(result)
    values[f"{name}.bf16_error"] = bf16_error(unet, values, name)
    return values


def bf16_error(unet, values, name):
    """How far the reference itself is off in bfloat16: small groups of channels amplify rounding,
    so that a fixed tolerance would say more about a model than about an implementation."""
    coarse = copy.deepcopy(unet).to(torch.bfloat16)
    condition = values.get(f"{name}.condition")
    result = coarse(channels_first(values[f"{name}.sample"]).bfloat16(),
                    values[f"{name}.timesteps"], values[f"{name}.context"].bfloat16(),
                    timestep_cond=None if condition is None else condition.bfloat16()).sample
    expected = values[f"{name}.output"]
    difference = channels_last(result.float()) - expected
    return (difference.abs().max() / expected.abs().max()).reshape(1)


def run_vae(vae, generator):
    latents = torch.randn(1, 5, 4, vae.config.latent_channels, generator=generator)
    picture = vae.decode(channels_first(latents) / vae.config.scaling_factor).sample
    return {"vae.latents": latents, "vae.picture": channels_last(picture)}


def save(values, path):
    save_file({name: value.detach().contiguous() for name, value in values.items()}, path)


def write_model(name, out):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    pipeline = build(name, folder)
    generator = torch.Generator().manual_seed(7)
    values = run_text(pipeline, generator)
    # One time for the batch, then two; sizes that no level divides.
    values |= run_unet(pipeline.unet, generator, "unet", (8, 8), [981.0, 981.0])
    values |= run_unet(pipeline.unet, generator, "unet.odd", (9, 7), [1.0, 500.0])
    values |= run_vae(pipeline.vae, generator)
    save(values, os.path.join(out, f"{name}-parts.safetensors"))


def write_lcm_unet(out):
    folder = os.path.join(out, "unet-lcm")
    shutil.rmtree(folder, ignore_errors=True)
    unet = randomise(UNet2DConditionModel(**LCM_UNET), 11, torch.float16)
    unet.to(torch.float16).save_pretrained(folder)
    unet.to(torch.float32)
    generator = torch.Generator().manual_seed(8)
    values = run_unet(unet, generator, "unet", (6, 6), [759.0, 759.0])
    values |= run_unet(unet, generator, "unet.odd", (5, 7), [499.0])
    save(values, os.path.join(out, "unet-lcm-parts.safetensors"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder to write in")
    arguments = parser.parse_args()
    for module in (torch, diffusers, transformers, safetensors):
        print(module.__name__, module.__version__)
    print("python", platform.python_version())
    torch.set_grad_enabled(False)
    os.makedirs(arguments.out, exist_ok=True)
    for name in MODELS:
        write_model(name, arguments.out)
    write_lcm_unet(arguments.out)
    for folder, _, files in os.walk(arguments.out):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o644)


if __name__ == "__main__":
    main()
