"""Tiny models of the XL kind (tiny_xl.py) in data, and whole runs of StableDiffusionXLPipeline with
them: data/pipelines/xl-*.json and .safetensors (what is in them: README.md).

    python generate_xl.py [CASE...]        models are made only where no case is named
"""

import argparse
import json
import os
import shutil

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

import tiny_xl
from generate_models import channels_first, channels_last
from generate_pipelines import APPLE, DATA, HERE, LONG, ODD, ROOT
from generate_schedulers import make
from versions import write_versions

# name: (model, request, whether the decoded picture is kept)
CASES = {
    "xl-default": ("tiny-xl", dict(prompt=APPLE, steps=5, cfg=6.0), True),
    "xl-negative": ("tiny-xl", dict(prompt=APPLE, negative="blurry cat", sampler="euler_a", steps=6,
                                    cfg=4.0, count=2, width=40, height=56), False),
    "xl-sizes": ("tiny-xl", dict(prompt=ODD, negative="dark", sampler="dpmpp_2m", steps=6, cfg=5.0,
                                 originalWidth=900, originalHeight=500, cropLeft=64, cropTop=16,
                                 targetWidth=1024, targetHeight=768, guidanceRescale=0.7), False),
    "xl-unguided": ("tiny-xl", dict(prompt=APPLE, negative="unused", sampler="ddim", steps=4,
                                    cfg=1.0), False),
    "xl-clip-skip": ("tiny-xl", dict(prompt=APPLE, negative="a cat", sampler="euler", steps=4,
                                     cfg=5.0, clipSkip=3), False),
    "xl-long": ("tiny-xl", dict(prompt=LONG, sampler="euler", schedule="karras", steps=4, cfg=5.0),
                False),
    "xl-odd-default": ("tiny-xl-odd", dict(prompt=APPLE, steps=5, cfg=4.0, width=24, height=40),
                       True),
    "xl-odd-negative": ("tiny-xl-odd", dict(prompt=ODD, negative="a cat", sampler="ddim", steps=5,
                                            cfg=3.0, count=2), False),
}
SIZES = {"original_size": ("originalHeight", "originalWidth"),
         "crops_coords_top_left": ("cropTop", "cropLeft"),
         "target_size": ("targetHeight", "targetWidth")}


def write_parts(name, pipeline):
    """data/<model>-parts.safetensors: the second text encoder's states as they are, its pooled
    embedding, and calls of the denoiser with what it is told besides the prompt."""
    generator = torch.Generator().manual_seed(9)
    encoder, unet = pipeline.text_encoder_2, pipeline.unet
    length, last = encoder.config.max_position_embeddings, encoder.config.vocab_size - 1
    ids = torch.randint(0, last, (2, length), generator=generator)
    ids[0, length // 2], ids[0, length - 1], ids[1, length - 3] = last, last, last
    result = encoder(ids, output_hidden_states=True)
    values = {"text.ids": ids.to(torch.int32), "text.pooled": result.text_embeds,
              "text.before_last": result.hidden_states[-2]}
    config = unet.config
    pooled = torch.randn(2, encoder.config.projection_dim, generator=generator)
    count = ((config.projection_class_embeddings_input_dim - pooled.shape[1])
             // config.addition_time_embed_dim)
    numbers = torch.tensor([[900., 700, 16, 32, 1024, 768], [128., 256, 0, 8, 6, 0]])[:, :count]
    values |= {"unet.sample": torch.randn(2, 9, 7, config.in_channels, generator=generator),
               "unet.context": torch.randn(2, 7, config.cross_attention_dim, generator=generator),
               "unet.timesteps": torch.tensor([981., 981.]),
               "unet.pooled": pooled, "unet.numbers": numbers.contiguous()}
    added = dict(text_embeds=pooled, time_ids=numbers)
    values["unet.output"] = channels_last(
        unet(channels_first(values["unet.sample"]), values["unet.timesteps"],
             values["unet.context"], added_cond_kwargs=added).sample)
    save_file({key: value.contiguous() for key, value in values.items()},
              os.path.join(HERE, "data", f"{name}-parts.safetensors"))


def embed(pipeline, request):
    """Positive and negative embeddings with the clip skip of the request for both."""
    skip = request["clipSkip"] - 2  # the reference counts from the layer before the last
    kept = {}
    for key, text in (("", request["prompt"]), ("negative_", request["negative"])):
        embeddings, _, pooled, _ = pipeline.encode_prompt(
            text, device="cpu", do_classifier_free_guidance=False, clip_skip=skip)
        kept |= {f"{key}prompt_embeds": embeddings, f"{key}pooled_prompt_embeds": pooled}
    return kept


def run(folder, request):
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder, torch_dtype=torch.float32,
                                                         add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    if "sampler" in request:
        with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as file:
            config = json.load(file)
        pipeline.scheduler = make(request["sampler"], config, request.get("schedule", "normal"),
                                  request["steps"])
    prompts = dict(prompt=request["prompt"], negative_prompt=request.get("negative"))
    if "clipSkip" in request:
        prompts = embed(pipeline, request)
    size = {key: request[key] for key in ("width", "height") if key in request}
    size |= {key: tuple(request[name] for name in names) for key, names in SIZES.items()
             if names[0] in request}
    count, seed = request.get("count", 1), request["seed"]
    latents = pipeline(**prompts, **size, num_inference_steps=request["steps"],
                       guidance_scale=request["cfg"],
                       guidance_rescale=request.get("guidanceRescale", 0.0),
                       num_images_per_prompt=count, output_type="latent",
                       generator=[torch.Generator("cpu").manual_seed(seed + i)
                                  for i in range(count)]).images
    image = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    return latents, image.permute(0, 2, 3, 1)


def write_case(name, out):
    model, request, decoded = CASES[name]
    request = dict({"seed": 1234}, **request)
    latents, image = run(os.path.join(ROOT, DATA, model), request)
    assert latents.isfinite().all(), name
    tensors = {"latents": latents.contiguous()}
    if decoded:
        tensors["image"] = image.contiguous()
    save_file(tensors, os.path.join(out, f"{name}.safetensors"))
    os.chmod(os.path.join(out, f"{name}.safetensors"), 0o644)
    case = {"model": f"{DATA}/{model}", "request": request, "expected": f"{name}.safetensors",
            "tolerance": 1e-3}
    with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{name}: latents {list(latents.shape)}, largest {latents.abs().max():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=[], help="which cases (all of them)")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    if not arguments.names:
        for name in tiny_xl.MODELS:
            folder = os.path.join(ROOT, DATA, name)
            shutil.rmtree(folder, ignore_errors=True)
            write_parts(name, tiny_xl.build(name, folder))
            for path, _, files in os.walk(folder):
                for file in files:
                    os.chmod(os.path.join(path, file), 0o644)
    out = os.path.join(HERE, "data", "pipelines")
    for name in arguments.names or CASES:
        write_case(name, out)
    write_versions(out, ["torch", "diffusers", "transformers", "tokenizers", "numpy", "scipy",
                         "safetensors"])


if __name__ == "__main__":
    main()
