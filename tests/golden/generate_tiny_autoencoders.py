"""AutoencoderTiny (TAESD's kind) with random weights: data/tiny-autoencoders/<name>/ as diffusers
folders, <name>/taesd_decoder.pth and taesd_encoder.pth as TAESD's own files have them, and in
expected.safetensors what they make of latents (whole, and pooled to half the size) and pictures
(channels last), and whole runs of
tiny-sd1 with "taesd" as its autoencoder: from noise, from a picture, with a mask.

Needs the models of generate_models.py in data.
"""

import json
import os

import torch
from diffusers import (AutoencoderTiny, StableDiffusionImg2ImgPipeline,
                       StableDiffusionInpaintPipeline, StableDiffusionPipeline)
from safetensors.torch import save_file

from generate_models import channels_first, channels_last
from generate_schedulers import make
from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
FOLDER = os.path.join(DATA, "tiny-autoencoders")
CONFIGS = {
    "taesd": dict(encoder_block_out_channels=(6,) * 4, decoder_block_out_channels=(5,) * 4,
                  num_encoder_blocks=(1, 2, 1, 1), num_decoder_blocks=(2, 1, 1, 1)),
    "odd": dict(in_channels=4, out_channels=4, latent_channels=5, act_fn="silu",
                encoder_block_out_channels=(4, 4), decoder_block_out_channels=(7, 7),
                num_encoder_blocks=(2, 0), num_decoder_blocks=(0, 1), scaling_factor=0.7),
}
STEPS, SEED, STRENGTH, CFG = 5, 7, 0.6, 5.0
PROMPT, NEGATIVE = "a photo of a red apple, 3d emoji", "blurry"


def random_model(name, seed):
    torch.manual_seed(seed)
    model = AutoencoderTiny(**CONFIGS[name]).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5).add_(0.05 * torch.randn(parameter.shape))
    return model


def write_own_files(model, folder):
    """TAESD counts its clamp as a layer of the decoder."""
    decoder = {}
    for name, value in model.decoder.state_dict().items():
        _, layer, rest = name.split(".", 2)
        decoder[f"{int(layer) + 1}.{rest}"] = value
    encoder = {name.removeprefix("layers."): value
               for name, value in model.encoder.state_dict().items()}
    torch.save(decoder, os.path.join(folder, "taesd_decoder.pth"))
    torch.save(encoder, os.path.join(folder, "taesd_encoder.pth"))


def load(kind, vae):
    pipeline = kind.from_pretrained(os.path.join(DATA, "tiny-sd1"), torch_dtype=torch.float32,
                                    safety_checker=None, vae=vae)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(DATA, "tiny-sd1", "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make("euler", json.load(file), "normal", STEPS)
    return pipeline


def runs(vae, picture, mask):
    how = dict(prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=STEPS,
               guidance_scale=CFG, output_type="latent")
    noise = lambda: torch.Generator("cpu").manual_seed(SEED)
    text = load(StableDiffusionPipeline, vae)(**how, width=64, height=48, generator=noise()).images
    image = channels_first(picture)
    drawn = load(StableDiffusionImg2ImgPipeline, vae)(**how, image=image, strength=STRENGTH,
                                                      generator=noise()).images
    filled = load(StableDiffusionInpaintPipeline, vae)(
        **how, image=2 * image - 1, mask_image=mask, strength=STRENGTH, width=64, height=48,
        generator=noise()).images
    decoded = vae.decode(text / vae.config.scaling_factor).sample
    return {"text": text, "text.image": channels_last(decoded), "from-picture": drawn,
            "inpaint": filled}


def main():
    torch.set_grad_enabled(False)
    expected = {}
    for seed, name in enumerate(CONFIGS):
        model = random_model(name, seed)
        folder = os.path.join(FOLDER, name)
        model.save_pretrained(folder)
        write_own_files(model, folder)
        generator = torch.Generator().manual_seed(11 + seed)
        latents = 2.5 * torch.randn(1, 6, 4, model.config.latent_channels, generator=generator)
        picture = 2 * torch.rand(1, 24, 16, model.config.in_channels, generator=generator) - 1
        scaled = channels_first(latents) / model.config.scaling_factor
        expected[f"{name}.latents"], expected[f"{name}.picture"] = latents, picture
        expected[f"{name}.decoded"] = channels_last(model.decode(scaled).sample)
        pooled = torch.nn.functional.avg_pool2d(scaled, 2)
        expected[f"{name}.decoded-pooled"] = channels_last(model.decode(pooled).sample)
        expected[f"{name}.encoded"] = channels_last(model.encode(channels_first(picture)).latents)
    generator = torch.Generator().manual_seed(31)
    picture = torch.rand(1, 48, 64, 3, generator=generator)
    mask = torch.zeros(1, 1, 48, 64)
    mask[:, :, 8:32, 16:40] = 1
    expected.update(runs(AutoencoderTiny.from_pretrained(os.path.join(FOLDER, "taesd")), picture,
                         mask))
    expected["init"], expected["mask"] = picture, channels_last(mask)
    expected = {name: value.contiguous() for name, value in expected.items()}
    save_file(expected, os.path.join(FOLDER, "expected.safetensors"))
    with open(os.path.join(FOLDER, "cases.json"), "w") as file:
        json.dump({"prompt": PROMPT, "negative": NEGATIVE, "steps": STEPS, "cfg": CFG,
                   "seed": SEED, "sampler": "euler", "strength": STRENGTH}, file, indent=1)
        file.write("\n")
    for folder, _, names in os.walk(FOLDER):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)
    write_versions(FOLDER, ["torch", "diffusers", "safetensors"])


if __name__ == "__main__":
    main()
