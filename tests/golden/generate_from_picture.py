"""Runs that begin from a picture: data/from_picture/<case>.json and .safetensors (README.md), the
picture and the mask that all of them take, and two models whose denoisers are shown more than
latents: data/tiny-inpaint and data/tiny-edit.

Needs the models of generate_models.py in data, and scipy for the beta schedule.
"""

import argparse
import json
import os

import torch
from diffusers import (StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline,
                       StableDiffusionInstructPix2PixPipeline)
from safetensors.torch import save_file

import tiny_models
from generate_pipelines import APPLE, DATA, ROOT, load
from generate_schedulers import make
from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))

# name: (model, request). A case with "mask" repaints. Width and height are those of the picture's
# corner that is used.
CASES = {
    "image-ddim": ("tiny-sd1", dict(sampler="ddim", steps=6, cfg=5.0, strength=0.5)),
    "image-ddim-eta": ("tiny-sd1", dict(sampler="ddim", steps=5, cfg=3.0, strength=0.9, eta=0.6,
                                        width=48, height=40)),
    "image-euler": ("tiny-sd1", dict(sampler="euler", steps=8, cfg=6.0, strength=0.8, width=40,
                                     height=56, negative="blurry cat")),
    "image-euler-full": ("tiny-sd1", dict(sampler="euler", steps=4, cfg=6.0, strength=1.0)),
    "image-euler-a": ("tiny-sd1", dict(sampler="euler_a", steps=7, cfg=5.0, strength=0.6, count=2,
                                       width=24, height=40)),
    "image-dpmpp-2m-karras": ("tiny-sd1", dict(sampler="dpmpp_2m", schedule="karras", steps=9,
                                               cfg=4.0, strength=0.7)),
    "image-dpmpp-2m-sde": ("tiny-sd1", dict(sampler="dpmpp_2m_sde", steps=6, cfg=4.0,
                                            strength=0.67)),
    "image-heun": ("tiny-sd1", dict(sampler="heun", steps=6, cfg=4.0, strength=0.55)),
    "image-dpm2-a": ("tiny-sd1", dict(sampler="dpm2_a", steps=5, cfg=4.0, strength=0.61)),
    "image-lms": ("tiny-sd1", dict(sampler="lms", steps=8, cfg=4.0, strength=0.5)),
    "image-pndm": ("tiny-sd1", dict(sampler="pndm", steps=8, cfg=4.0, strength=0.75)),
    "image-unipc": ("tiny-sd1", dict(sampler="unipc", steps=8, cfg=4.0, strength=0.65)),
    "image-ddpm": ("tiny-sd1", dict(sampler="ddpm", steps=6, cfg=4.0, strength=0.5)),
    "image-lcm": ("tiny-sd1", dict(sampler="lcm", steps=6, cfg=1.0, strength=0.5)),
    "image-sd2v": ("tiny-sd2v", dict(steps=6, cfg=5.0, strength=0.6)),
    "image-starter-kind": ("tiny-starter", dict(steps=6, cfg=5.0, strength=0.6, count=2)),
    "image-starter-kind-euler": ("tiny-starter", dict(sampler="euler", steps=5, cfg=3.0,
                                                      strength=0.4, width=40, height=64)),
    "image-odd": ("tiny-odd", dict(steps=5, cfg=4.0, strength=0.7, width=40, height=24)),
    "inpaint-euler": ("tiny-sd1", dict(sampler="euler", steps=5, cfg=5.0, strength=1.0,
                                       mask=True)),
    "inpaint-ddim": ("tiny-sd1", dict(sampler="ddim", steps=6, cfg=5.0, strength=0.6, mask=True,
                                      width=56, height=40)),
    "inpaint-euler-a": ("tiny-sd1", dict(sampler="euler_a", steps=6, cfg=4.0, strength=0.8,
                                         mask=True)),
    "inpaint-heun": ("tiny-sd1", dict(sampler="heun", steps=4, cfg=4.0, strength=0.5, mask=True)),
    "inpaint-dpmpp-2m": ("tiny-sd1", dict(sampler="dpmpp_2m", steps=7, cfg=1.0, strength=1.0,
                                          mask=True)),
    "inpaint-lcm": ("tiny-sd1", dict(sampler="lcm", steps=4, cfg=1.5, strength=0.8, mask=True)),
    "inpaint-sd2v": ("tiny-sd2v", dict(steps=6, cfg=5.0, strength=0.7, mask=True)),
    "inpaint-shown": ("tiny-inpaint", dict(steps=5, cfg=5.0, strength=1.0, mask=True)),
    "inpaint-shown-euler-a": ("tiny-inpaint", dict(sampler="euler_a", steps=6, cfg=4.0,
                                                   strength=0.7, mask=True, width=40,
                                                   height=56)),
    "inpaint-shown-unguided": ("tiny-inpaint", dict(sampler="ddim", steps=4, cfg=1.0,
                                                    strength=0.5, mask=True)),
    "edit": ("tiny-edit", dict(steps=5, cfg=7.0, imageCfg=1.5, negative="blurry")),
    "edit-euler-a": ("tiny-edit", dict(sampler="euler_a", steps=4, cfg=5.0, imageCfg=2.2,
                                       count=2, width=40, height=56)),
    "edit-unguided": ("tiny-edit", dict(sampler="ddim", steps=4, cfg=1.0, imageCfg=1.5)),
}


def build_models(out):
    """Stable Diffusion 1.x in small whose denoisers take 9 and 8 channels."""
    base = tiny_models.MODELS["tiny-sd1"]
    for name, channels in (("tiny-inpaint", 9), ("tiny-edit", 8)):
        unet = dict(base["unet"], in_channels=channels, block_out_channels=(4, 8),
                    layers_per_block=1,
                    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
        tiny_models.MODELS[name] = dict(base, dtype=torch.float16, unet=unet)
        tiny_models.build(name, os.path.join(out, name))
        for folder, _, files in os.walk(os.path.join(out, name)):
            for file in files:
                os.chmod(os.path.join(folder, file), 0o644)


def make_pictures():
    """An RGBA picture of 64 x 64 with smooth and sharp parts, and a mask with every level near the
    middle: 8 bits, as files have them."""
    generator = torch.Generator().manual_seed(31)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    channels = []
    for i in range(4):
        wave = torch.sin(x / (5 + 2 * i) + i) * torch.cos(y / (7 + i))
        noise = torch.rand(64, 64, generator=generator)
        channels.append((0.5 + 0.35 * wave + 0.3 * (noise - 0.5)).clamp(0, 1))
    channels[3][20:30, 10:40] = 0
    channels[3][40:, :20] = 1
    picture = (torch.stack(channels, -1) * 255).round() / 255
    mask = ((torch.hypot(x - 30, y - 26) / 45).clamp(0, 1) * 255).round() / 255
    return picture, mask[..., None]


def to_autoencoder(picture, channels):
    """[1,C,H,W] in -1..1: RGB over white; four channels as they are; gray and alpha for two."""
    alpha = picture[..., 3:]
    color = picture[..., :3]
    if channels == 3:
        color = color * alpha + (1 - alpha)
    if channels == 2:
        gray = (picture[..., :3] * torch.tensor([0.299, 0.587, 0.114])).sum(-1, keepdim=True)
        color = gray
    values = torch.cat([color, alpha], -1)[..., :channels]
    return (2 * values - 1).permute(2, 0, 1)[None]


def give_picture(pipeline, picture):
    """The pipelines take pictures of three channels, and those of four for latents: they get an
    empty one, and the autoencoder is shown this one instead of it."""
    real = pipeline.vae.encode
    shown = to_autoencoder(picture, pipeline.vae.config.in_channels)
    pipeline.vae.encode = lambda images: real(shown.expand(len(images), -1, -1, -1))
    return torch.zeros(1, 3, *picture.shape[:2])


def run(folder, request):
    kind = (StableDiffusionInpaintPipeline if request.get("mask") else
            StableDiffusionInstructPix2PixPipeline if "imageCfg" in request else
            StableDiffusionImg2ImgPipeline)
    pipeline = kind(**load(folder).components, requires_safety_checker=False)
    # After the pipeline is made: some of them change the config that they are given.
    if "sampler" in request:
        with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as file:
            config = json.load(file)
        pipeline.scheduler = make(request["sampler"], config, request.get("schedule", "normal"),
                                  request["steps"])
    pipeline.set_progress_bar_config(disable=True)
    picture, mask = make_pictures()
    picture = picture[:request["height"], :request["width"]]
    mask = mask[:request["height"], :request["width"]]
    more = {}
    if request.get("mask"):
        # Masked before it is encoded: this pipeline has to get the picture itself.
        opaque = to_autoencoder(picture, 3)
        more = dict(image=opaque / 2 + 0.5, mask_image=mask.permute(2, 0, 1)[None],
                    height=request["height"], width=request["width"])
    else:
        more = dict(image=give_picture(pipeline, picture))
    if "strength" in request:
        more["strength"] = request["strength"]
    if "imageCfg" in request:
        more["image_guidance_scale"] = request["imageCfg"]
    if kind is not StableDiffusionInstructPix2PixPipeline:
        more["eta"] = request.get("eta", 0.0)
    count, seed = request.get("count", 1), request["seed"]
    return pipeline(prompt=request["prompt"], negative_prompt=request.get("negative", ""),
                    num_inference_steps=request["steps"], guidance_scale=request["cfg"],
                    num_images_per_prompt=count, output_type="latent",
                    generator=[torch.Generator("cpu").manual_seed(seed + i)
                               for i in range(count)], **more).images


def write_case(name, out):
    model, request = CASES[name]
    request = dict(dict(seed=77, prompt=APPLE, width=64, height=64), **request)
    latents = run(os.path.join(ROOT, DATA, model), request)
    assert latents.isfinite().all(), name
    save_file({"latents": latents.contiguous()}, os.path.join(out, f"{name}.safetensors"))
    os.chmod(os.path.join(out, f"{name}.safetensors"), 0o644)
    masked = request.pop("mask", False)
    case = {"model": f"{DATA}/{model}", "request": request, "mask": masked,
            "expected": f"{name}.safetensors", "tolerance": 1e-3}
    with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{name}: latents {list(latents.shape)}, largest {latents.abs().max():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(HERE, "data", "from_picture"))
    parser.add_argument("names", nargs="*", default=[], help="which cases (all of them)")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    os.makedirs(arguments.out, exist_ok=True)
    if not arguments.names:
        build_models(os.path.join(HERE, "data"))
    picture, mask = make_pictures()
    path = os.path.join(arguments.out, "pictures.safetensors")
    save_file({"picture": picture.contiguous(), "mask": mask.contiguous()}, path)
    os.chmod(path, 0o644)
    for name in arguments.names or CASES:
        write_case(name, arguments.out)
    write_versions(arguments.out, ["torch", "diffusers", "transformers", "tokenizers", "numpy",
                                   "scipy", "safetensors"])


if __name__ == "__main__":
    main()
