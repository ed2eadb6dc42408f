"""The model of a run again as one file in the layout of its first authors (CompVis, SGM), in a number
format and with what such files hold besides. Kinora's latents from it must be those from a folder of
the same weights, bit by bit.

    file = draw_single_file(draw, folder)
    model, same, program = file.write(kinora)   the file, the folder of its weights, how to start Kinora
"""

import copy
import json
import os
import random
import shutil

import torch
from safetensors.torch import save_file

from generate_checkpoints import open_clip, unet_names, vae_names
import random_models
from random_loras import is_regular

FORMS = ("f32", "fp16", "bf16", "fp8", "fp8-scaled", "pickled", "EMA")
DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
PREFIX = "model.diffusion_model."
# Text encoder: (prefix in the file, table of names); by the model's kind.
TEXT = {"clip": {"text_encoder": ("cond_stage_model.transformer.", "clip")},
        "open-clip": {"text_encoder": ("cond_stage_model.model.", "open-clip")},
        "xl": {"text_encoder": ("conditioner.embedders.0.transformer.", "clip"),
               "text_encoder_2": ("conditioner.embedders.1.model.", "open-clip-projected")},
        "refiner": {"text_encoder_2": ("conditioner.embedders.0.model.", "open-clip-projected")}}


class NoFile:
    def describe(self):
        return ""

    def features(self):
        return []


class SingleFile:
    def __init__(self, draw, folder):
        self.folder, self.form = folder, draw.choice(FORMS)
        self.layout = {"refiner": "refiner"}.get(folder.kind, "xl" if folder.is_xl else
                                                 draw.choice(["clip", "open-clip"]))
        self.tensors = {}
        self.scale_name = draw.choice([".scale_weight", ".weight_scale"])  # before 2025, and since

    def describe(self):
        return f"file {self.layout} {self.form}"

    def features(self):
        return [("single file", f"{self.layout}, {self.form}")]

    def write(self, kinora):
        work = self.folder.path + "-one-file"
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        parts = {name: copy.deepcopy(part) for name, part in self.folder.parts.items()
                 if "tokenizer" not in name}
        with torch.no_grad():
            for name, part in parts.items():
                for parameter in part.parameters():
                    parameter.copy_(self.rounded(parameter, name))
        self.collect(parts)
        same = f"{work}/same"
        copy_texts(self.folder.path, same)
        for name, part in parts.items():
            part.save_pretrained(f"{same}/{name}")
        return self.store(f"{work}/model"), same, self.program(kinora, work)

    def rounded(self, values, component):
        """What a number of this form can hold, in float32."""
        if self.form == "fp8":
            return values.to(torch.float8_e4m3fn).float()
        if self.form == "fp8-scaled" and component == "unet" and values.ndim == 2:
            return self.in_eight_bits(values)[0].float() * self.scale(values)
        return values.to(DTYPES.get(self.form, torch.float32)).float()

    @staticmethod
    def scale(values):
        return (values.abs().max() / 448).float()  # the largest number of eight bits

    def in_eight_bits(self, values):
        scale = self.scale(values)
        return (values / scale).to(torch.float8_e4m3fn), scale

    def collect(self, parts):
        unet = parts["unet"].state_dict()
        own = self.folder.parts["unet"].state_dict()
        for name, old in unet_names(list(unet), parts["unet"].config):
            self.add(PREFIX + old, unet[name], own[name])
        vae = parts["vae"].state_dict()
        for name, old in vae_names(list(vae), len(parts["vae"].config.block_out_channels)):
            matrix = ".attn_1." in old and vae[name].ndim == 2
            self.add("first_stage_model." + old, vae[name][..., None, None] if matrix else vae[name])
        for component, (prefix, names) in TEXT[self.layout].items():
            text, config = parts[component].state_dict(), parts[component].config
            text = {name: value for name, value in text.items() if "position_ids" not in name}
            if names == "clip":
                text = {name if name.startswith("text_") else "text_model." + name: value
                        for name, value in text.items()}
            else:
                text = open_clip(text, config.num_hidden_layers, names == "open-clip")
            for name, value in text.items():
                self.add(prefix + name, value)
        if self.form == "EMA":
            self.tensors["model_ema.decay"] = torch.tensor(0.9999)
            for name in [name for name in self.tensors if name.startswith(PREFIX)]:
                self.tensors["model_ema." + name.removeprefix("model.").replace(".", "")] = \
                    self.tensors[name] + 1
        if self.form == "fp8-scaled":
            self.tensors[PREFIX + "scaled_fp8"] = torch.zeros(2).to(torch.float8_e4m3fn)

    def add(self, name, values, own=None):
        if self.form == "fp8-scaled" and own is not None and own.ndim == 2:
            self.tensors[name], scale = self.in_eight_bits(own.detach())
            self.tensors[name.removesuffix(".weight") + self.scale_name] = scale
        elif self.form == "fp8":
            self.tensors[name] = values.to(torch.float8_e4m3fn)
        else:
            self.tensors[name] = values.to(DTYPES.get(self.form, torch.float32))
        self.tensors[name] = self.tensors[name].detach().clone().contiguous()

    def store(self, stem):
        if self.form != "pickled":
            save_file(self.tensors, stem + ".safetensors")
            return stem + ".safetensors"
        torch.save({"state_dict": self.tensors, "global_step": 7, "callbacks": {"any": [1.5]}},
                   stem + ".ckpt")
        return stem + ".ckpt"

    def program(self, kinora, work):
        """Kinora beside a table of kinds of files that has this model's: command and environment."""
        built, prefix = os.path.dirname(os.path.dirname(os.path.realpath(kinora))), f"{work}/program"
        os.makedirs(f"{prefix}/lib")
        for library in ("libkinora.so", "libkinora_media.so"):
            shutil.copy(f"{built}/lib/{library}", f"{prefix}/lib/{library}")
        os.makedirs(f"{prefix}/share/kinora/models")
        kind = f"{prefix}/share/kinora/checkpoints/drawn"
        copy_texts(self.folder.path, kind)
        self.renew_scheduler(f"{kind}/scheduler/scheduler_config.json")
        description = {
            "name": "Drawn at random",
            "recognise": {PREFIX + "input_blocks.0.0.weight":
                          list(self.tensors[PREFIX + "input_blocks.0.0.weight"].shape)},
            "components": {"unet": {"prefix": PREFIX, "names": "unet"},
                           "vae": {"prefix": "first_stage_model.", "names": "autoencoder"}}}
        for component, (begin, names) in TEXT[self.layout].items():
            description["components"][component] = {"prefix": begin, "names": names}
        random_models.write_json(f"{kind}/checkpoint.json", description)
        return [kinora], dict(os.environ, LD_LIBRARY_PATH=f"{prefix}/lib")


    def renew_scheduler(self, path):
        """The table's own configs are of today: nothing of 2022 has to be set right in them."""
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        config.update({name: self.folder.scheduler[name] for name in ("clip_sample", "steps_offset")
                       if name in self.folder.scheduler})
        random_models.write_json(path, config)


def copy_texts(source, target):
    """A model's configs and tokenizers, without its weights."""
    for folder, _, names in os.walk(source):
        for name in names:
            if name.endswith((".json", ".txt")) and ".index." not in name:
                where = os.path.join(target, os.path.relpath(folder, source))
                os.makedirs(where, exist_ok=True)
                shutil.copy(os.path.join(folder, name), where)


def draw_single_file(draw, folder):
    own = random.Random(draw.randrange(2 ** 31))
    vae = folder.parts["vae"].config
    attends = any("Attn" in kind for kind in [*vae.down_block_types, *vae.up_block_types])
    original = is_regular(folder.parts["unet"].config) and not attends
    return SingleFile(own, folder) if original and own.random() < 0.35 else NoFile()
