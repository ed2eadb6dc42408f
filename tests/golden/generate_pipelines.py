"""Whole text-to-image runs of StableDiffusionPipeline: data/pipelines/<case>.json and .safetensors
(what is in them: README.md), and data/tiny-lcm, a model whose denoiser takes the guidance scale.

Needs the models of generate_models.py in data, and scipy for the beta schedule.
"""

import argparse
import json
import os

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file

import tiny_models
from generate_schedulers import make
from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DATA = "tests/golden/data"
APPLE = "a photo of a red apple, 3d emoji"
LONG = "highly detailed portrait photograph, sharp focus, " * 12
ODD = "Ein  ÄPFEL’S 7½\t<|endoftext|> 𝒳 🍎👩‍🚀 한국어 e\u0301 don't"

# name: (model, request, whether the decoded picture is kept)
CASES = {
    "sd1-ddim": ("tiny-sd1", dict(prompt=APPLE, sampler="ddim", steps=5, cfg=7.5), True),
    "sd1-ddim-eta": ("tiny-sd1", dict(prompt=APPLE, sampler="ddim", steps=6, cfg=4.0, eta=0.7,
                                      width=48, height=40), False),
    "sd1-euler": ("tiny-sd1", dict(prompt=APPLE, negative="blurry cat", sampler="euler", steps=8,
                                   cfg=6.0, width=40, height=56), True),
    "sd1-euler-karras": ("tiny-sd1", dict(prompt=APPLE, sampler="euler", schedule="karras",
                                          steps=6, cfg=3.0), False),
    "sd1-euler-exponential": ("tiny-sd1", dict(prompt=LONG, sampler="euler",
                                               schedule="exponential", steps=5, cfg=3.0), False),
    "sd1-euler-beta": ("tiny-sd1", dict(prompt="", sampler="euler", schedule="beta", steps=5,
                                        cfg=2.0, negative=LONG), False),
    "sd1-euler-a": ("tiny-sd1", dict(prompt=ODD, sampler="euler_a", steps=7, cfg=5.0, count=3,
                                     seed=2**32 - 2, width=24, height=40), False),
    "sd1-dpmpp-2m": ("tiny-sd1", dict(prompt=APPLE, sampler="dpmpp_2m", steps=9, cfg=7.0,
                                      guidanceRescale=0.6), False),
    "sd1-dpmpp-2m-karras": ("tiny-sd1", dict(prompt=APPLE, negative=ODD, sampler="dpmpp_2m",
                                             schedule="karras", steps=16, cfg=5.0, count=2),
                            False),
    "sd1-lcm": ("tiny-sd1", dict(prompt=APPLE, sampler="lcm", steps=4, cfg=1.5), True),
    "sd1-default": ("tiny-sd1", dict(prompt=APPLE, steps=7, cfg=5.0, width=24, height=40), False),
    "sd1-ddpm": ("tiny-sd1", dict(prompt=APPLE, sampler="ddpm", steps=6, cfg=4.0, width=40,
                                  height=24), False),
    "sd1-pndm": ("tiny-sd1", dict(prompt=APPLE, negative="a cat", sampler="pndm", steps=8, cfg=6.0,
                                  width=24, height=40), False),
    "sd1-lms-exponential": ("tiny-sd1", dict(prompt=ODD, sampler="lms", schedule="exponential",
                                             steps=9, cfg=4.0, width=24, height=24), False),
    "sd1-heun": ("tiny-sd1", dict(prompt=APPLE, sampler="heun", steps=5, cfg=7.0, width=24,
                                  height=40), False),
    "sd1-dpm2-karras": ("tiny-sd1", dict(prompt=APPLE, sampler="dpm2", schedule="karras", steps=6,
                                         cfg=4.0, width=40, height=24), False),
    "sd1-dpm2-a": ("tiny-sd1", dict(prompt=LONG, sampler="dpm2_a", steps=5, cfg=5.0, count=2,
                                    width=24, height=24), False),
    "sd1-dpmpp-2m-sde": ("tiny-sd1", dict(prompt=APPLE, sampler="dpmpp_2m_sde", schedule="karras",
                                          steps=7, cfg=5.0, count=2, width=24, height=40), False),
    "sd1-dpmpp-2s": ("tiny-sd1", dict(prompt=APPLE, sampler="dpmpp_2s", steps=7, cfg=5.0, width=40,
                                      height=24), False),
    "sd1-deis": ("tiny-sd1", dict(prompt=APPLE, negative="blurry", sampler="deis", steps=8, cfg=6.0,
                                  width=24, height=24), False),
    "sd1-unipc": ("tiny-sd1", dict(prompt=APPLE, sampler="unipc", steps=8, cfg=6.0, width=24,
                                   height=40), False),
    "sd1-tcd": ("tiny-sd1", dict(prompt=APPLE, sampler="tcd", steps=4, cfg=1.5, width=24,
                                 height=24), False),
    "sd1-aligned": ("tiny-sd1", dict(prompt=APPLE, sampler="dpmpp_2m", schedule="align_your_steps",
                                     steps=10, cfg=6.0, width=24, height=40), False),
    "sd1-unguided": ("tiny-sd1", dict(prompt=APPLE, negative="unused", sampler="euler", steps=5,
                                      cfg=1.0, guidanceRescale=0.5), False),
    "sd1-clip-skip": ("tiny-sd1", dict(prompt=APPLE, negative="a cat", sampler="ddim", steps=4,
                                       cfg=5.0, clipSkip=2), False),
    "sd2v-default": ("tiny-sd2v", dict(prompt=APPLE, negative="blurry", steps=6, cfg=5.0), True),
    "sd2v-euler-a": ("tiny-sd2v", dict(prompt=ODD, sampler="euler_a", steps=5, cfg=3.0), False),
    "sd2v-dpmpp-2m-beta": ("tiny-sd2v", dict(prompt="apple", sampler="dpmpp_2m", schedule="beta",
                                             steps=7, cfg=4.0, width=32, height=72), False),
    "sd2v-ddpm": ("tiny-sd2v", dict(prompt=APPLE, sampler="ddpm", steps=5, cfg=3.0, count=2,
                                    width=24, height=24), False),
    "sd2v-heun": ("tiny-sd2v", dict(prompt=APPLE, sampler="heun", schedule="beta", steps=5, cfg=3.0,
                                    width=24, height=40), False),
    "sd2v-dpm2-a": ("tiny-sd2v", dict(prompt=APPLE, sampler="dpm2_a", schedule="sgm_uniform",
                                      steps=4, cfg=3.0, width=40, height=24), False),
    "sd2v-unipc": ("tiny-sd2v", dict(prompt=ODD, sampler="unipc", schedule="karras", steps=6,
                                     cfg=3.0, width=24, height=24), False),
    "starter-kind-default": ("tiny-starter", dict(prompt=APPLE, steps=6, cfg=5.0,
                                                  guidanceRescale=0.5), True),
    "starter-kind-euler": ("tiny-starter", dict(prompt=APPLE, sampler="euler", steps=6, cfg=5.0,
                                                guidanceRescale=1.0), False),
    "starter-kind-dpmpp-2m": ("tiny-starter", dict(prompt=LONG, sampler="dpmpp_2m", steps=8,
                                                   cfg=2.5, seed=2**40 + 3), False),
    "odd-default": ("tiny-odd", dict(prompt=APPLE, steps=5, cfg=4.0, width=40, height=24), True),
    "odd-ddim": ("tiny-odd", dict(prompt=ODD, sampler="ddim", steps=5, cfg=4.0, count=2, width=24,
                                  height=56), False),
    "lcm-default": ("tiny-lcm", dict(prompt=APPLE, steps=4, cfg=8.5, count=2), True),
    "lcm-euler": ("tiny-lcm", dict(prompt=APPLE, sampler="euler", steps=5, cfg=1.0), False),
    "lcm-tcd-eta": ("tiny-lcm", dict(prompt=APPLE, sampler="tcd", steps=5, cfg=4.0, eta=0.3,
                                     width=24, height=40), False),
    "starter-image": ("resources/models/starter-image",
                      dict(prompt="3d emoji of a red apple", negative="dark", steps=4, cfg=5.0,
                           guidanceRescale=0.5, width=128, height=128), False),
}


def build_lcm(folder):
    """Stable Diffusion 1.x in small, distilled: the denoiser is told the guidance scale."""
    base = tiny_models.MODELS["tiny-sd1"]
    unet = dict(base["unet"], block_out_channels=(4, 8), layers_per_block=1,
                down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), time_cond_proj_dim=12)
    tiny_models.MODELS["tiny-lcm"] = dict(base, dtype=torch.float16, unet=unet)
    tiny_models.build("tiny-lcm", folder)
    with open(os.path.join(folder, "scheduler", "scheduler_config.json"), "w") as file:
        json.dump({"_class_name": "LCMScheduler", "beta_end": 0.012,
                   "beta_schedule": "scaled_linear", "beta_start": 0.00085,
                   "clip_sample": False, "num_train_timesteps": 1000,
                   "original_inference_steps": 50, "prediction_type": "epsilon",
                   "set_alpha_to_one": True, "steps_offset": 1, "timestep_scaling": 10.0,
                   "timestep_spacing": "leading"}, file, indent=2)
        file.write("\n")
    path = os.path.join(folder, "model_index.json")
    with open(path) as file:
        index = json.load(file)
    index["scheduler"] = ["diffusers", "LCMScheduler"]
    with open(path, "w") as file:
        json.dump(index, file, indent=2)
        file.write("\n")


def load(folder):
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32,
                                                       safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def embeddings(pipeline, text, skip):
    """Of the layer before the last `skip` ones, through the final norm. (The pipeline's own
    clip_skip looks for the encoder of older transformers.)"""
    tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
    ids = tokenizer(text, padding="max_length", max_length=tokenizer.model_max_length,
                    truncation=True, return_tensors="pt").input_ids
    states = encoder(ids, output_hidden_states=True).hidden_states
    return getattr(encoder, "text_model", encoder).final_layer_norm(states[-1 - skip])


def run(folder, request):
    pipeline = load(folder)
    if "sampler" in request or "schedule" in request:
        with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as file:
            config = json.load(file)
        pipeline.scheduler = make(request["sampler"], config, request.get("schedule", "normal"),
                                  request["steps"])
    count, seed = request.get("count", 1), request["seed"]
    prompts = dict(prompt=request["prompt"], negative_prompt=request.get("negative", ""))
    if request.get("clipSkip", 0) > 1:
        # The pipeline skips for the positive prompt alone; here both do, as in the web UIs.
        skip = request["clipSkip"] - 1
        prompts = dict(prompt_embeds=embeddings(pipeline, prompts["prompt"], skip),
                       negative_prompt_embeds=embeddings(pipeline, prompts["negative_prompt"],
                                                         skip))
    size = {key: request[key] for key in ("width", "height") if key in request}
    latents = pipeline(**prompts, **size, num_inference_steps=request["steps"],
                       guidance_scale=request["cfg"], eta=request.get("eta", 0.0),
                       guidance_rescale=request.get("guidanceRescale", 0.0),
                       num_images_per_prompt=count, output_type="latent",
                       generator=[torch.Generator("cpu").manual_seed(seed + i)
                                  for i in range(count)]).images
    image = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    return latents, image.permute(0, 2, 3, 1)


def write_case(name, out):
    model, request, decoded = CASES[name]
    path = model if "/" in model else f"{DATA}/{model}"
    request = dict({"seed": 1234}, **request)
    latents, image = run(os.path.join(ROOT, path), request)
    assert latents.isfinite().all(), name
    tensors = {"latents": latents.contiguous()}
    if decoded:
        tensors["image"] = image.contiguous()
    save_file(tensors, os.path.join(out, f"{name}.safetensors"))
    os.chmod(os.path.join(out, f"{name}.safetensors"), 0o644)
    case = {"model": path, "request": request, "expected": f"{name}.safetensors",
            "tolerance": 1e-3}
    with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{name}: latents {list(latents.shape)}, largest {latents.abs().max():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(HERE, "data", "pipelines"))
    parser.add_argument("names", nargs="*", default=[], help="which cases (all of them)")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    os.makedirs(arguments.out, exist_ok=True)
    if not arguments.names:
        build_lcm(os.path.join(ROOT, DATA, "tiny-lcm"))
    for name in arguments.names or CASES:
        write_case(name, arguments.out)
    write_versions(arguments.out, ["torch", "diffusers", "transformers", "tokenizers", "numpy",
                                   "scipy", "safetensors"])


if __name__ == "__main__":
    main()
