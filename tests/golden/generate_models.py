"""Writes tiny models and what the reference computes with each of their parts.

    python generate_models.py --out data

data/<model>/                a diffusers folder (tiny_models.py)
data/<model>-parts.safetensors   inputs and outputs of its text encoder, denoiser and decoder
data/<unet>/, data/<unet>-parts.safetensors   denoisers alone (UNETS below)
data/vae-normalised/, data/vae-normalised-parts.safetensors   an autoencoder alone

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
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from tiny_models import MODELS, build, randomise

# As LCM models have it: guidance as an input, no middle block, padding of the autoencoders' kind, heads that do not
# divide the channels.
LCM_UNET = dict(sample_size=6, in_channels=3, out_channels=2, block_out_channels=(8, 12),
                down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
                mid_block_type=None, layers_per_block=1, attention_head_dim=(3, 5),
                norm_num_groups=2, cross_attention_dim=10, time_cond_proj_dim=6,
                downsample_padding=0, act_fn="relu", use_linear_projection=True,
                upcast_attention=True)
# A time that scales and shifts, of learnt frequencies; another depth for each transformer, the first
# attention to a projected prompt too; blocks that attend to nothing may say any width.
ADAPTED_UNET = dict(sample_size=(6, 8), in_channels=3, out_channels=3, block_out_channels=(6, 8, 10),
                    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D",
                                      "CrossAttnDownBlock2D"),
                    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                    layers_per_block=[1, 2, 1], attention_head_dim=2, norm_num_groups=2,
                    cross_attention_dim=10, encoder_hid_dim=14, act_fn="mish",
                    transformer_layers_per_block=[1, [2, 1], 0],
                    reverse_transformer_layers_per_block=[[1, 2], [0, 1, 2], 1],
                    only_cross_attention=[False, True, False],
                    resnet_time_scale_shift="scale_shift", time_embedding_type="fourier",
                    time_embedding_dim=20, timestep_post_act="mish", time_embedding_act_fn="gelu")
UNETS = {"unet-lcm": LCM_UNET, "unet-adapted": ADAPTED_UNET}
# Attention in the levels, and latents with means and deviations, as SDXL's pipelines decode them.
NORMALISED_VAE = dict(in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(4, 6),
                      down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
                      up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
                      layers_per_block=1, norm_num_groups=2, act_fn="mish", scaling_factor=0.5,
                      latents_mean=[-1.6574, 1.886, -1.383, 2.5155],
                      latents_std=[8.4927, 5.9022, 6.5498, 5.2299])


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
    width = config.encoder_hid_dim or config.cross_attention_dim
    context = torch.randn(batch, 7, width, generator=generator)
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
    stored = latents / vae.config.scaling_factor
    if vae.config.latents_mean is not None:
        stored = stored * torch.tensor(vae.config.latents_std)
        stored = stored + torch.tensor(vae.config.latents_mean)
    picture = vae.decode(channels_first(stored)).sample
    return {"vae.latents": latents, "vae.picture": channels_last(picture)}


def run_encoder(vae, generator):
    """What image to image of SDXL makes of a picture."""
    picture = torch.rand(1, 8, 6, 3, generator=generator) * 2 - 1
    moments = vae.encode(channels_first(picture)).latent_dist.parameters
    noise = torch.randn(1, 4, 3, 4, generator=generator)
    mean, log_variance = channels_last(moments).chunk(2, dim=-1)
    drawn = mean + (log_variance.clamp(-30, 20) / 2).exp() * noise
    drawn = (drawn - torch.tensor(vae.config.latents_mean)) * vae.config.scaling_factor
    return {"vae.input": picture, "vae.moments": channels_last(moments), "vae.noise": noise,
            "vae.drawn": drawn / torch.tensor(vae.config.latents_std)}


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


def write_unet(name, out):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    unet = randomise(UNet2DConditionModel(**UNETS[name]), 11, torch.float16)
    unet.to(torch.float16).save_pretrained(folder)
    unet.to(torch.float32)
    generator = torch.Generator().manual_seed(8)
    values = run_unet(unet, generator, "unet", (6, 6), [759.0, 759.0])
    values |= run_unet(unet, generator, "unet.odd", (5, 7), [499.0])
    if name != "unet-lcm":
        values |= run_unet(unet, generator, "unet.times", (6, 6), [3.0, 759.0])
    save(values, os.path.join(out, f"{name}-parts.safetensors"))


def write_vae(name, out):
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    vae = randomise(AutoencoderKL(**NORMALISED_VAE), 12, torch.float16)
    vae.to(torch.float16).save_pretrained(folder)
    vae.to(torch.float32)
    generator = torch.Generator().manual_seed(9)
    values = run_vae(vae, generator) | run_encoder(vae, generator)
    save(values, os.path.join(out, f"{name}-parts.safetensors"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder to write in")
    parser.add_argument("names", nargs="*", help="which of them (all)")
    arguments = parser.parse_args()
    for module in (torch, diffusers, transformers, safetensors):
        print(module.__name__, module.__version__)
    print("python", platform.python_version())
    torch.set_grad_enabled(False)
    os.makedirs(arguments.out, exist_ok=True)
    writers = {name: write_model for name in MODELS} | {name: write_unet for name in UNETS}
    writers["vae-normalised"] = write_vae
    for name in arguments.names or writers:
        writers[name](name, arguments.out)
    for folder, _, files in os.walk(arguments.out):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o644)


if __name__ == "__main__":
    main()
