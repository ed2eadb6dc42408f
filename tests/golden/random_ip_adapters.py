"""IP-Adapters drawn at random for a random model, in their makers' layout, and a picture encoder.

    adapter = write_ip_adapter(draw, unet, encoder, "/some/ip.safetensors")   {"image_proj", "ip_adapter"}
"""

import torch
from safetensors.torch import save_file
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

import random_models

KINDS = ("base", "plus", "full")


def takes_ip_adapters(unet):
    """The reference knows one width of texts, and puts something where texts are attended to."""
    return (isinstance(unet.config.cross_attention_dim, int)
            and isinstance(unet.config.layers_per_block, int)
            and any("attn2" in name for name in unet.attn_processors))


def make_encoder(draw, path):
    """The encoder, also as a folder, and its processor of pictures."""
    heads, patch = draw.choice([1, 2, 4]), draw.choice([4, 7, 10])
    side = patch * draw.randint(2, 4)
    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=heads * draw.choice([8, 10]), intermediate_size=draw.choice([20, 48]),
        num_hidden_layers=draw.randint(2, 4), num_attention_heads=heads, image_size=side,
        patch_size=patch, projection_dim=draw.choice([12, 24]),
        hidden_act=draw.choice(["gelu", "quick_gelu"])))
    random_models.randomise(encoder, draw.randrange(2 ** 31))
    encoder.save_pretrained(path)
    return encoder, CLIPImageProcessor(size=side, crop_size=side)


class Projection:
    """Names and values of what makes tokens of what the encoder saw."""

    def __init__(self, draw):
        self.generator = torch.Generator().manual_seed(draw.randrange(2 ** 31))
        self.values = {}

    def linear(self, name, out, inner, bias=True):
        self.values[name + ".weight"] = \
            torch.randn(out, inner, generator=self.generator) / inner ** 0.5
        if bias:
            self.values[name + ".bias"] = torch.randn(out, generator=self.generator) * 0.2

    def norm(self, name, width):
        self.values[name + ".weight"] = 1 + torch.randn(width, generator=self.generator) * 0.2
        self.values[name + ".bias"] = torch.randn(width, generator=self.generator) * 0.2

    def base(self, draw, width, encoder):
        self.linear("proj", 4 * width, encoder.projection_dim)
        self.norm("norm", width)

    def full(self, draw, width, encoder):
        seen = encoder.hidden_size
        self.linear("proj.0", seen, seen)
        self.linear("proj.2", width, seen)
        self.norm("proj.3", width)

    def plus(self, draw, width, encoder):
        inner, attention = draw.choice([12, 20]), 64 * draw.choice([1, 2])
        self.values["latents"] = torch.randn(1, draw.randint(2, 6), inner,
                                             generator=self.generator)
        self.linear("proj_in", inner, encoder.hidden_size)
        self.linear("proj_out", width, inner)
        self.norm("norm_out", width)
        for stem in (f"layers.{layer}" for layer in range(4)):  # which the reference takes for granted
            self.norm(f"{stem}.0.norm1", inner)
            self.norm(f"{stem}.0.norm2", inner)
            self.linear(f"{stem}.0.to_q", attention, inner, bias=False)
            self.linear(f"{stem}.0.to_kv", 2 * attention, inner, bias=False)
            self.linear(f"{stem}.0.to_out", inner, attention, bias=False)
            self.norm(f"{stem}.1.0", inner)
            self.linear(f"{stem}.1.1", 4 * inner, inner, bias=False)
            self.linear(f"{stem}.1.3", inner, 4 * inner, bias=False)


def write_ip_adapter(draw, kind, unet, encoder, stem):
    """Its path and its tensors."""
    projection = Projection(draw)
    getattr(projection, kind)(draw, unet.config.cross_attention_dim, encoder.config)
    attention = {}
    for index, name in enumerate(unet.attn_processors):
        if "attn1" in name:
            continue
        weight = unet.get_submodule(name.removesuffix(".processor")).to_k.weight
        for what in ("to_k_ip", "to_v_ip"):
            attention[f"{index}.{what}.weight"] = torch.randn(
                weight.shape, generator=projection.generator) / weight.shape[1] ** 0.5
    dtype = draw.choice([torch.float32, torch.float16])
    parts = {"image_proj": projection.values, "ip_adapter": attention}
    parts = {part: {name: value.to(dtype) for name, value in tensors.items()}
             for part, tensors in parts.items()}
    if draw.random() < 0.4:
        path = stem + ".bin"
        torch.save(parts, path)
    else:
        path = stem + ".safetensors"
        save_file({f"{part}.{name}": value.contiguous() for part, tensors in parts.items()
                   for name, value in tensors.items()}, path)
    return path, {part: {name: value.float() for name, value in tensors.items()}
                  for part, tensors in parts.items()}
