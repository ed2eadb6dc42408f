"""What AutoencoderKL's encoder makes of a picture: data/encoders/<model>.safetensors, pictures and
moments channels last, and one draw of the latents from given noise, in float32.

Needs the models of generate_models.py in data.
"""

import argparse
import os

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

from generate_models import channels_first, channels_last
from tiny_models import MODELS
from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))


def encode(folder):
    vae = AutoencoderKL.from_pretrained(folder, torch_dtype=torch.float32)
    generator = torch.Generator().manual_seed(21)
    picture = 2 * torch.rand(1, 40, 24, vae.config.in_channels, generator=generator) - 1
    distribution = vae.encode(channels_first(picture)).latent_dist
    noise = torch.randn(distribution.mean.shape, generator=torch.Generator().manual_seed(22))
    # What sample() draws when its generator gives this noise.
    drawn = distribution.sample(torch.Generator().manual_seed(22)) * vae.config.scaling_factor
    return {"picture": picture, "moments": channels_last(distribution.parameters),
            "noise": channels_last(noise), "latents": channels_last(drawn),
            "mean": channels_last(distribution.mode())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(HERE, "data", "encoders"))
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    os.makedirs(arguments.out, exist_ok=True)
    for name in MODELS:
        values = encode(os.path.join(HERE, "data", name, "vae"))
        path = os.path.join(arguments.out, f"{name}.safetensors")
        save_file({key: value.contiguous() for key, value in values.items()}, path)
        os.chmod(path, 0o644)
    write_versions(arguments.out, ["torch", "diffusers", "safetensors"])


if __name__ == "__main__":
    main()
