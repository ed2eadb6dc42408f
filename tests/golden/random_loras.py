"""LoRA files drawn at random for a random model, in the layouts that people share, and the weights that
they make of the model's: by the published formulas in double precision.

    lora = Lora(draw, folder, "/some/folder")
    parts = lora.merged(parts)
"""

import copy
import json
import os
import random

import torch
from safetensors.torch import save_file

from generate_checkpoints import unet_names

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
KINDS = ["lora"] * 4 + ["locon", "mid", "loha", "lokr", "lokr-whole", "dora", "dora-input", "diff", "ia3"]
# Beginnings of a file's names: of the denoiser, of the first text encoder and of the second.
LAYOUTS = {
    "kohya": ("lora_unet_", "lora_te_", "lora_te2_"),
    "kohya-xl": ("lora_unet_", "lora_te1_", "lora_te2_"),  # and SGM's names of the denoiser's modules
    "diffusers": ("unet.", "text_encoder.", "text_encoder_2."),
    "old-diffusers": ("unet.", "text_encoder.", "text_encoder_2."),
    "diffusers-config": ("unet.", "text_encoder.", "text_encoder_2."),  # scales in the metadata
    "peft": ("base_model.model.", "base_model.model.", None),
    # OneTrainer and ai-toolkit for SDXL: diffusers' names of the denoiser's modules.
    "trainer-xl": ("lora_unet_", "lora_te1_", "lora_te2_"),
    "omi": ("unet.", "clip_l.", "clip_g."),  # OneTrainer since 2025, with SGM's names
    "comfy": ("diffusion_model.", "text_encoders.clip_l.transformer.",
              "text_encoders.clip_g.transformer."),  # as ComfyUI saves, with SGM's names
}
ORIGINAL = ("kohya-xl", "omi", "comfy")  # of the denoiser's modules
FLAT = ("kohya", "kohya-xl", "trainer-xl")
BY_ALPHA = (*FLAT, "omi", "comfy")
PEFT = ("diffusers", "diffusers-config", "peft")


def is_regular(config):
    """The original layout has names for such denoisers."""
    attention = ["CrossAttn" in kind for kind in config.down_block_types]
    return (isinstance(config.layers_per_block, int) and config.time_cond_proj_dim is None
            and config.mid_block_type == "UNetMidBlock2DCrossAttn"
            and config.encoder_hid_dim is None and config.time_embedding_type == "positional"
            and attention[::-1] == ["CrossAttn" in kind for kind in config.up_block_types])


def layouts_of(folder, kind):
    names = ["trainer-xl"] if folder.is_xl else ["kohya"]
    if is_regular(folder.parts["unet"].config):
        names += ["kohya-xl"] * folder.is_xl + ["omi", "comfy"] * (kind != "ia3")
    if kind in ("lora", "locon", "dora"):
        names.append("diffusers")
    if kind in ("lora", "locon"):
        names.append("diffusers-config")
    if kind == "lora" and not folder.is_xl:
        names += ["old-diffusers", "peft"]
    return names


def as_f64(tensor):
    return tensor.to(torch.float64)


class Lora:
    """One file. options: Kinora's; merged(): copies of a model's parts with the change in them."""

    def __init__(self, draw, folder, work, number=0, alone=True):
        kinds = [kind for kind in KINDS if alone or "dora" not in kind and kind != "ia3"]
        self.kind = draw.choice(kinds)
        self.layout = draw.choice(layouts_of(folder, self.kind))
        self.dtype = draw.choice([torch.float32, torch.float16, torch.bfloat16])
        self.generator = torch.Generator().manual_seed(draw.randrange(2 ** 31))
        self.tensors, self.changes = {}, {}  # of the file; (part, module): function of a weight
        self.weights = [draw.choice([1.0, 0.8, 0.35, 1.7, -0.6]) for _ in range(2)]
        if draw.random() < 0.5:
            self.weights[1] = self.weights[0]
        self.alpha = draw.choice([None, "one", "each"])
        self.config = {}  # what the file's metadata says of alpha
        which = draw.choice(["all", "all", "denoiser", "text"])
        if self.layout == "peft":
            which = "denoiser"
        for name, part in folder.parts.items():
            if name.startswith("text_encoder") and which != "denoiser":
                self.draw_part(draw, name, part, 1)
            if name == "unet" and (which != "text" or not self.tensors):
                self.draw_part(draw, name, part, 0)
        self.path = self.store(draw, f"{work}/lora{number}")

    def store(self, draw, stem):
        if draw.random() < 0.2 and not self.config:
            torch.save(self.tensors, stem + ".pt")
            return stem + ".pt"
        more = {"format": "pt"}
        if self.config:
            more["lora_adapter_metadata"] = json.dumps(self.config, indent=2, sort_keys=True)
        save_file(self.tensors, stem + ".safetensors", metadata=more)
        return stem + ".safetensors"

    def describe(self):
        return f"{self.layout}/{self.kind} {self.weights} alpha {self.alpha} {os.path.basename(self.path)}"

    def options(self):
        return ["--lora", f"{self.path}:{self.weights[0]}:{self.weights[1]}"]

    def merged(self, parts):
        parts = dict(parts)
        for name in {part for part, _ in self.changes}:
            parts[name] = copy.deepcopy(parts[name])
        with torch.no_grad():
            for (part, module), change in self.changes.items():
                target = dict(parts[part].named_modules())[module]
                change(target, self.weights[part != "unet"])
        return parts

    # ---- what is in it

    def draw_part(self, draw, part, component, place):
        names = {}
        if self.layout == "diffusers-config":
            self.draw_config(draw, part)
        if self.layout in ORIGINAL and part == "unet":
            stored = list(component.state_dict())
            names = {new.rpartition(".")[0]: old.rpartition(".")[0]
                     for new, old in unet_names(stored, component.config)}
        prefix = LAYOUTS[self.layout][2 if part.endswith("_2") else place]
        for name, module in component.named_modules():
            matrix = isinstance(module, torch.nn.Linear)
            window = isinstance(module, torch.nn.Conv2d)
            if not matrix and not window or draw.random() < 0.4:
                continue
            if self.layout == "old-diffusers" and not name.endswith(ATTENTION + TEXT[:4]):
                continue
            if part != "unet" and not name.endswith(TEXT):
                continue
            if self.kind in ("lora", "ia3") and window:
                continue
            if self.kind == "mid" and not (window and module.kernel_size == (3, 3)):
                continue
            full = names.get(name, name)
            if part != "unet" and not full.startswith("text_model."):
                full = "text_model." + full
            flat = full.replace(".", "_") if self.layout in FLAT else full
            self.add(draw, prefix + flat, part, name, module.weight)

    def values(self, name, *shape, size=0.4):
        value = (torch.randn(shape, generator=self.generator) * size).to(self.dtype)
        self.tensors[name] = value
        return as_f64(value)

    def draw_config(self, draw, part):
        """As PEFT's LoraConfig says it; the first pattern that fits an ending of a name counts."""
        patterns = {"to_q": 3.0, "attn1.to_q": 0.5, "attn1.to_k": 2.0, "q_proj": 1.5, "mlp.fc1": 0.7,
                    "1.mlp.fc1": 2.5, "proj_in": 0.5}
        chosen = draw.sample(sorted(patterns), draw.randint(0, 4))
        self.config.update({
            f"{part}.r": 4, f"{part}.lora_alpha": draw.choice([1, 2.5, 8]),
            f"{part}.use_rslora": draw.random() < 0.5, f"{part}.rank_pattern": {},
            f"{part}.alpha_pattern": {name: patterns[name] for name in chosen}})

    def configured_scale(self, stem, rank):
        part, _, name = stem.partition(".")
        alpha = self.config[f"{part}.lora_alpha"]
        for pattern, value in reversed(sorted(self.config[f"{part}.alpha_pattern"].items())):
            if f".{name}".endswith("." + pattern):
                alpha = value
        return alpha / (rank ** 0.5 if self.config[f"{part}.use_rslora"] else rank)

    def scale_of(self, draw, stem, rank):
        if self.config:
            return self.configured_scale(stem, rank)
        if self.alpha is None or self.layout not in BY_ALPHA:
            return 1.0
        alpha = 1.5 if self.alpha == "one" else draw.choice([0.5, 1.0, 2.0, 3.0])
        self.tensors[stem + ".alpha"] = torch.tensor(alpha).to(self.dtype)
        return alpha / rank

    def ends(self, stem):
        """Names of the two matrices of a pair."""
        if self.layout == "old-diffusers":
            if "text_model" in stem:
                return f"{stem}.lora_linear_layer.down.weight", f"{stem}.lora_linear_layer.up.weight"
            processor, _, projection = stem.replace("to_out.0", "to_out").rpartition(".")
            stem = f"{processor}.processor.{projection}_lora"
            return f"{stem}.down.weight", f"{stem}.up.weight"
        down, up = ("lora_A", "lora_B") if self.layout in PEFT else ("lora_down", "lora_up")
        return f"{stem}.{down}.weight", f"{stem}.{up}.weight"

    def add(self, draw, stem, part, name, weight):
        make = {"lora": self.low_rank, "locon": self.low_rank, "mid": self.tucker,
                "loha": self.hadamard, "lokr": self.kronecker, "lokr-whole": self.kronecker,
                "dora": self.magnitude, "dora-input": self.magnitude, "diff": self.difference,
                "ia3": self.factors}[self.kind]
        self.changes[part, name] = make(draw, stem, tuple(weight.shape), weight)

    @staticmethod
    def adding(delta):
        def change(module, strength):
            module.weight.copy_((as_f64(module.weight) + strength * delta).float())
        return change

    def product(self, draw, stem, shape):
        rank = draw.randint(1, 4)
        out, inputs, *window = shape
        down, up = self.ends(stem)
        a = self.values(down, rank, inputs, *window, size=0.7 / inputs ** 0.5)
        b = self.values(up, out, rank, *[1 for _ in window])
        scale = self.scale_of(draw, stem, rank)
        return scale * (b.flatten(1) @ a.flatten(1)).reshape(shape)

    def low_rank(self, draw, stem, shape, weight):
        return self.adding(self.product(draw, stem, shape))

    def tucker(self, draw, stem, shape, weight):
        rank, (out, inputs, *window) = draw.randint(1, 3), shape
        down = self.values(f"{stem}.lora_down.weight", rank, inputs, 1, 1).flatten(1)
        up = self.values(f"{stem}.lora_up.weight", out, rank, 1, 1).flatten(1)
        middle = self.values(f"{stem}.lora_mid.weight", rank, rank, *window)
        scale = self.scale_of(draw, stem, rank)
        return self.adding(scale * torch.einsum("or,rshw,si->oihw", up, middle, down))

    def hadamard(self, draw, stem, shape, weight):
        rank, (out, *rest) = draw.randint(1, 3), shape
        width = 1
        for count in rest:
            width *= count
        pairs = [self.values(f"{stem}.hada_w{n}_a", out, rank)
                 @ self.values(f"{stem}.hada_w{n}_b", rank, width) for n in (1, 2)]
        scale = self.scale_of(draw, stem, rank)
        return self.adding(scale * (pairs[0] * pairs[1]).reshape(shape))

    def kronecker(self, draw, stem, shape, weight):
        out, inputs, *window = shape
        first = [draw.choice([n for n in (1, 2, 3, 4) if count % n == 0]) for count in (out, inputs)]
        rest = [out // first[0], inputs // first[1]]
        rank, factored = draw.randint(1, 2), []
        w1, w2 = None, None
        if self.kind == "lokr" and draw.random() < 0.5:
            w1 = (self.values(f"{stem}.lokr_w1_a", first[0], rank)
                  @ self.values(f"{stem}.lokr_w1_b", rank, first[1]))
            factored.append(rank)
        else:
            w1 = self.values(f"{stem}.lokr_w1", *first)
        if self.kind == "lokr":
            a = self.values(f"{stem}.lokr_w2_a", rest[0], rank)
            b = self.values(f"{stem}.lokr_w2_b", rank, rest[1] * (window[0] * window[1] if window else 1))
            w2 = (a @ b).reshape(*rest, *window)
            factored.append(rank)
        else:
            w2 = self.values(f"{stem}.lokr_w2", *rest, *window)
        scale = self.scale_of(draw, stem, rank)
        if not factored:  # no rank: alpha says nothing
            scale = 1.0
        delta = torch.kron(w1.reshape(*first, *[1 for _ in window]), w2)
        return self.adding(scale * delta)

    def magnitude(self, draw, stem, shape, weight):
        """DoRA: the sum's rows (or columns) have a length of their own."""
        delta = self.product(draw, stem, shape)
        on_input = self.kind == "dora-input"
        count = shape[1] if on_input else shape[0]
        axes = [n for n in range(len(shape)) if n != (1 if on_input else 0)]
        ones = [count if n not in axes else 1 for n in range(len(shape))]
        length = as_f64(weight.detach()).square().sum(axes).sqrt() * (
            1 + 0.2 * torch.randn(count, generator=self.generator))
        length = length.to(self.dtype)
        if self.layout in BY_ALPHA:
            self.tensors[stem + ".dora_scale"] = length.reshape(ones).contiguous()
        else:
            self.tensors[stem + ".lora_magnitude_vector"] = length

        def change(module, strength):
            both = as_f64(module.weight) + strength * delta
            both = both / both.square().sum(axes, keepdim=True).sqrt()
            module.weight.copy_((both * as_f64(length).reshape(ones)).float())
        return change

    def difference(self, draw, stem, shape, weight):
        return self.adding(self.values(f"{stem}.diff", *shape, size=0.1))

    def factors(self, draw, stem, shape, weight):
        """IA3 as LyCORIS stores it: the factor less one, along the output or the input."""
        on_input = draw.random() < 0.5
        factor = self.values(f"{stem}.weight", shape[1 if on_input else 0])
        self.tensors[f"{stem}.on_input"] = torch.tensor(on_input)

        def change(module, strength):
            by = 1 + strength * (factor[None] if on_input else factor[:, None])
            module.weight.copy_((as_f64(module.weight) * by).float())
        return change


def draw_loras(draw, folder, work):
    count = draw.choice([1, 1, 2, 3])
    return [Lora(random.Random(draw.randrange(2 ** 31)), folder, work, i, count == 1)
            for i in range(count)]
