"""Whole runs with FreeU and with perturbed-attention guidance, by diffusers: enable_freeu, and
StableDiffusion(XL)PAGPipeline; and FreeU's filter alone. data/guidance/<case>.json and
.safetensors, as in data/pipelines, and data/guidance/filter.safetensors.

Needs the models of generate_models.py and generate_xl.py in data.

    python generate_guidance.py [CASE...]
"""

import argparse
import json
import os

import torch
from diffusers import (StableDiffusionPAGPipeline, StableDiffusionPipeline,
                       StableDiffusionXLPAGPipeline, StableDiffusionXLPipeline,
                       UNet2DConditionModel)
from diffusers.utils.torch_utils import fourier_filter
from safetensors.torch import load_file, save_file

from generate_pipelines import APPLE, DATA, HERE, ROOT
from generate_schedulers import make
from versions import write_versions

# name: (model, request)
CASES = {
    "freeu": ("tiny-sd1", dict(sampler="euler", steps=5, cfg=5.0, freeu="1.5:1.6:0.9:0.2")),
    "freeu-odd-size": ("tiny-sd1", dict(sampler="ddim", steps=4, cfg=4.0, width=72, height=40,
                                        negative="blurry", count=2, freeu="1.1:1.2:0.5:0.4")),
    "freeu-sd2v": ("tiny-sd2v", dict(sampler="euler", steps=4, cfg=5.0,
                                     freeu="1.4:1.6:0.9:0.2")),
    "freeu-xl": ("tiny-xl", dict(sampler="euler", steps=5, cfg=5.0, freeu="1.3:1.4:0.9:0.2")),
    "pag": ("tiny-sd1", dict(sampler="euler", steps=5, cfg=5.0, negative="blurry", pag=3.0,
                            width=160, height=136)),
    "pag-unguided": ("tiny-sd1", dict(sampler="ddim", steps=5, cfg=1.0, pag=2.5, count=2,
                                      width=160, height=136)),
    "pag-adaptive": ("tiny-sd1", dict(sampler="euler", steps=6, cfg=4.0, pag=3.0,
                                      pagAdaptive=0.005, guidanceRescale=0.6, width=128,
                                      height=192)),
    "pag-layers": ("tiny-sd1", dict(sampler="euler", steps=4, cfg=5.0, pag=2.0,
                                    pagLayers="down.1,mid,up.2", width=72, height=40)),
    "pag-up": ("tiny-sd2v", dict(sampler="euler", steps=4, cfg=5.0, pag=2.0, pagLayers="up")),
    "pag-xl": ("tiny-xl", dict(sampler="euler", steps=5, cfg=5.0, pag=3.0)),
    "pag-xl-freeu": ("tiny-xl", dict(sampler="dpmpp_2m", steps=5, cfg=1.0, pag=2.0,
                                     pagLayers="mid,down", freeu="1.2:1.1:0.8:0.6")),
}


def pipeline_of(folder, request, xl):
    pag = "pag" in request
    kinds = {(False, False): StableDiffusionPipeline, (False, True): StableDiffusionPAGPipeline,
             (True, False): StableDiffusionXLPipeline, (True, True): StableDiffusionXLPAGPipeline}
    options = dict(add_watermarker=False) if xl else dict(safety_checker=None)
    if pag:
        # As the request names layers, and as modules are called.
        options["pag_applied_layers"] = [
            layer.replace("down", "down_blocks").replace("up", "up_blocks")
            for layer in request.get("pagLayers", "mid").split(",")]
    pipeline = kinds[xl, pag].from_pretrained(folder, torch_dtype=torch.float32, **options)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make(request["sampler"], json.load(file), "normal", request["steps"])
    if "freeu" in request:
        b1, b2, s1, s2 = map(float, request["freeu"].split(":"))
        pipeline.enable_freeu(s1=s1, s2=s2, b1=b1, b2=b2)
    return pipeline


def run(model, request):
    pipeline = pipeline_of(os.path.join(ROOT, DATA, model), request, model == "tiny-xl")
    count, seed = request.get("count", 1), request["seed"]
    size = {key: request[key] for key in ("width", "height") if key in request}
    pag = {}
    if "pag" in request:
        pag = dict(pag_scale=request["pag"], pag_adaptive_scale=request.get("pagAdaptive", 0.0))
    return pipeline(prompt=request["prompt"], negative_prompt=request.get("negative"), **size,
                    num_inference_steps=request["steps"], guidance_scale=request["cfg"],
                    guidance_rescale=request.get("guidanceRescale", 0.0),
                    num_images_per_prompt=count, output_type="latent", **pag,
                    generator=[torch.Generator("cpu").manual_seed(seed + i)
                               for i in range(count)]).images


def write_case(name, out):
    model, request = CASES[name]
    request = dict({"seed": 77, "prompt": APPLE}, **request)
    latents = run(model, request)
    assert latents.isfinite().all(), name
    without = {key: value for key, value in request.items()
               if key != "freeu" and not key.startswith("pag")}
    plain = run(model, without)
    # Over one position, as in the middle of a small picture, attention is the identity anyway.
    assert (latents - plain).abs().max() > 1e-2 * latents.abs().max(), name
    save_file({"latents": latents.contiguous()}, os.path.join(out, f"{name}.safetensors"))
    os.chmod(os.path.join(out, f"{name}.safetensors"), 0o644)
    case = {"model": f"{DATA}/{model}", "request": request, "expected": f"{name}.safetensors",
            "tolerance": 1e-4}
    with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{name}: latents {list(latents.shape)}, largest {latents.abs().max():.3f}, differs from "
          f"a plain run by {(latents - plain).abs().max():.3f}")


def write_filter(out):
    generator = torch.Generator().manual_seed(3)
    tensors = {}
    for height, width in ((8, 8), (7, 5), (2, 9), (1, 4), (1, 1)):
        picture = torch.randn(2, 3, height, width, generator=generator)
        key = f"{height}x{width}"
        tensors[key] = picture.permute(0, 2, 3, 1).contiguous()
        tensors[f"{key}.filtered"] = \
            fourier_filter(picture, threshold=1, scale=0.3).permute(0, 2, 3, 1).contiguous()
    save_file(tensors, os.path.join(out, "filter.safetensors"))
    os.chmod(os.path.join(out, "filter.safetensors"), 0o644)


def write_no_middle(out):
    """tiny-sd1's denoiser without its middle, for the inputs of its parts."""
    folder = os.path.join(ROOT, DATA, "tiny-sd1")
    config = UNet2DConditionModel.load_config(folder, subfolder="unet")
    unet = UNet2DConditionModel.from_config(dict(config, mid_block_type=None)).eval()
    weights = load_file(os.path.join(folder, "unet", "diffusion_pytorch_model.safetensors"))
    unet.load_state_dict({name: value.float() for name, value in weights.items()
                          if not name.startswith("mid_block.")})
    inputs = load_file(folder + "-parts.safetensors")
    sample = inputs["unet.sample"].permute(0, 3, 1, 2)
    call = (sample, inputs["unet.timesteps"], inputs["unet.context"])
    tensors = {"plain": unet(*call).sample}
    unet.enable_freeu(b1=1.5, b2=1.2, s1=0.7, s2=0.4)
    tensors["freeu"] = unet(*call).sample
    path = os.path.join(out, "no-middle.safetensors")
    save_file({name: value.permute(0, 2, 3, 1).contiguous() for name, value in tensors.items()}, path)
    os.chmod(path, 0o644)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=[], help="which cases (all of them)")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    out = os.path.join(HERE, "data", "guidance")
    os.makedirs(out, exist_ok=True)
    write_filter(out)
    write_no_middle(out)
    for name in arguments.names or CASES:
        write_case(name, out)
    write_versions(out, ["torch", "diffusers", "transformers", "numpy", "safetensors"])


if __name__ == "__main__":
    main()
