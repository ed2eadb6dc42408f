"""Tiny IP-Adapters for the tiny models, in their makers' layout, and a tiny picture encoder:
data/ip_adapters/<name>.safetensors or .bin, data/ip_adapters/image_encoder/; expected.safetensors
holds pictures as CLIPImageProcessor prepares them, what the encoder makes of them, and the final
latents of whole runs with diffusers' load_ip_adapter. cases.json says the runs.

Needs the models of generate_models.py and generate_xl.py in data.
"""

import json
import os

import numpy as np
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

from generate_schedulers import make
from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
OUT = os.path.join(DATA, "ip_adapters")
STEPS = 3
SIDE, WIDTH, PROJECTION = 30, 32, 24
PROMPT = "a photo of a red apple, 3d emoji"


def randomise(module, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.named_parameters():
        size = 1.0 / value.shape[-1] ** 0.5 if value.ndim > 1 else 0.2
        offset = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        value.data = torch.randn(value.shape, generator=generator) * size + offset


def make_encoder():
    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
        image_size=SIDE, patch_size=10, projection_dim=PROJECTION, hidden_act="gelu"))
    randomise(encoder, 1)
    encoder.save_pretrained(os.path.join(OUT, "image_encoder"))
    return encoder.eval()


def pictures():
    """Two pictures, one wide and one high, as files."""
    generator = np.random.default_rng(5)
    result = []
    for name, (width, height) in (("wide", (67, 41)), ("high", (33, 90))):
        y, x = np.mgrid[0:height, 0:width]
        waves = [127 + 90 * np.sin(x / (4 + c) + c) * np.cos(y / (7 - c)) for c in range(3)]
        noise = generator.normal(0, 12, (height, width, 3))
        picture = Image.fromarray(np.clip(np.stack(waves, 2) + noise, 0, 255).astype(np.uint8))
        picture.save(os.path.join(OUT, name + ".png"))
        result.append(picture)
    return result


class Writer:
    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.projection, self.attention = {}, {}

    def linear(self, name, out, inner, bias=True):
        self.projection[name + ".weight"] = \
            torch.randn(out, inner, generator=self.generator) / inner ** 0.5
        if bias:
            self.projection[name + ".bias"] = torch.randn(out, generator=self.generator) * 0.2

    def norm(self, name, width):
        self.projection[name + ".weight"] = 1 + torch.randn(width, generator=self.generator) * 0.2
        self.projection[name + ".bias"] = torch.randn(width, generator=self.generator) * 0.2

    def attentions(self, unet):
        for index, name in enumerate(unet.attn_processors):
            if "attn1" in name:
                continue
            layer = unet.get_submodule(name.replace(".processor", "").replace("_processor", ""))
            out, inner = layer.to_k.weight.shape
            for what in ("to_k_ip", "to_v_ip"):
                self.attention[f"{index}.{what}.weight"] = \
                    torch.randn(out, inner, generator=self.generator) / inner ** 0.5

    def save(self, name):
        path = os.path.join(OUT, name)
        if name.endswith(".bin"):
            torch.save({"image_proj": self.projection, "ip_adapter": self.attention}, path)
        else:
            tensors = {"image_proj." + key: value for key, value in self.projection.items()}
            tensors.update({"ip_adapter." + key: value for key, value in self.attention.items()})
            save_file({key: value.contiguous() for key, value in tensors.items()}, path)
        os.chmod(path, 0o644)


def write_base(name, unet, seed):
    width = unet.config.cross_attention_dim
    writer = Writer(seed)
    writer.linear("proj", 4 * width, PROJECTION)
    writer.norm("norm", width)
    writer.attentions(unet)
    writer.save(name)


def write_plus(name, unet, seed):
    width, inner, attention = unet.config.cross_attention_dim, 20, 128
    writer = Writer(seed)
    writer.projection["latents"] = torch.randn(1, 5, inner, generator=writer.generator)
    writer.linear("proj_in", inner, WIDTH)
    writer.linear("proj_out", width, inner)
    writer.norm("norm_out", width)
    for layer in range(4):  # as all have, and as diffusers takes for granted
        stem = f"layers.{layer}"
        writer.norm(f"{stem}.0.norm1", inner)
        writer.norm(f"{stem}.0.norm2", inner)
        writer.linear(f"{stem}.0.to_q", attention, inner, bias=False)
        writer.linear(f"{stem}.0.to_kv", 2 * attention, inner, bias=False)
        writer.linear(f"{stem}.0.to_out", inner, attention, bias=False)
        writer.norm(f"{stem}.1.0", inner)
        writer.linear(f"{stem}.1.1", 4 * inner, inner, bias=False)
        writer.linear(f"{stem}.1.3", inner, 4 * inner, bias=False)
    writer.attentions(unet)
    writer.save(name)


def write_full(name, unet, seed):
    width = unet.config.cross_attention_dim
    writer = Writer(seed)
    writer.linear("proj.0", WIDTH, WIDTH)
    writer.linear("proj.2", width, WIDTH)
    writer.norm("proj.3", width)
    writer.attentions(unet)
    writer.save(name)


def load(model):
    kind = StableDiffusionXLPipeline if "xl" in model else StableDiffusionPipeline
    more = {} if "xl" in model else {"safety_checker": None}
    pipeline = kind.from_pretrained(os.path.join(DATA, model), torch_dtype=torch.float32, **more)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(DATA, model, "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make("euler", json.load(file), "normal", STEPS)
    return pipeline


# case: (model, [(adapter, picture, weight)])
CASES = {
    "base": ("tiny-sd1", [("base.safetensors", "wide", 0.7)]),
    "plus": ("tiny-sd1", [("plus.bin", "high", 1.0)]),
    "full": ("tiny-sd1", [("full.safetensors", "wide", 0.5)]),
    "two": ("tiny-sd1", [("base.safetensors", "high", 0.4), ("plus.bin", "wide", 0.8)]),
    "xl": ("tiny-xl", [("xl-base.safetensors", "wide", 0.6)]),
}


def run(model, uses, encoder, processor):
    pipeline = load(model)
    pipeline.image_encoder, pipeline.feature_extractor = encoder, processor
    pipeline.load_ip_adapter([OUT] * len(uses), subfolder=[""] * len(uses),
                             weight_name=[file for file, _, _ in uses],
                             image_encoder_folder=None, low_cpu_mem_usage=False)
    pipeline.set_ip_adapter_scale([weight for _, _, weight in uses])
    images = [Image.open(os.path.join(OUT, picture + ".png")) for _, picture, _ in uses]
    with torch.no_grad():
        return pipeline(PROMPT, negative_prompt="blurry", num_inference_steps=STEPS,
                        guidance_scale=5.0, output_type="latent", ip_adapter_image=images,
                        generator=torch.Generator("cpu").manual_seed(7)).images.contiguous()


def main():
    os.makedirs(OUT, exist_ok=True)
    encoder = make_encoder()
    processor = CLIPImageProcessor(size=SIDE, crop_size=SIDE)
    small = load("tiny-sd1").unet
    write_base("base.safetensors", small, 11)
    write_plus("plus.bin", small, 12)
    write_full("full.safetensors", small, 13)
    write_base("xl-base.safetensors", load("tiny-xl").unet, 14)
    expected = {}
    plain = CLIPImageProcessor(size=SIDE, crop_size=SIDE, do_normalize=False)
    for name, picture in zip(("wide", "high"), pictures()):
        prepared = plain(picture, return_tensors="pt").pixel_values
        expected[f"picture.{name}"] = prepared[0].permute(1, 2, 0).float().contiguous()
        with torch.no_grad():
            pixels = processor(picture, return_tensors="pt").pixel_values
            seen = encoder(pixels, output_hidden_states=True)
        expected[f"hidden.{name}"] = seen.hidden_states[-2].contiguous()
        expected[f"pooled.{name}"] = seen.image_embeds.contiguous()
    for name, (model, uses) in CASES.items():
        expected[f"latents.{name}"] = run(model, uses, encoder, processor)
        print(name, float(expected[f"latents.{name}"].std()))
    save_file(expected, os.path.join(OUT, "expected.safetensors"))
    request = {"prompt": PROMPT, "negative": "blurry", "steps": STEPS, "cfg": 5.0, "seed": 7,
               "sampler": "euler"}
    cases = {name: {"model": model, "request": request,
                    "pictures": [{"adapter": file, "picture": picture, "weight": weight}
                                 for file, picture, weight in uses]}
             for name, (model, uses) in CASES.items()}
    with open(os.path.join(OUT, "cases.json"), "w", encoding="utf-8") as file:
        json.dump(cases, file, indent=1)
        file.write("\n")
    write_versions(OUT, ("torch", "diffusers", "transformers", "safetensors", "pillow"))


if __name__ == "__main__":
    main()
