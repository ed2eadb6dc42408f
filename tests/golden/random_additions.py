"""What a run may have besides its model, drawn at random: LoRAs, nets that steer, learnt words, another
VAE, FreeU and perturbed attention, prompts in the web UIs' languages.

    addition = draw_addition(draw, run)
    addition.options()             Kinora's
    addition.parts(parts)          the model's parts as the reference runs them
    addition.pipeline(name)        the class of the reference's pipeline
    addition.prepare(pipe, call)   what the pipeline and its call have besides
"""

import copy
import random

import torch
from diffusers import AutoencoderKL, ControlNetModel, MultiAdapter, T2IAdapter
from safetensors.torch import save_file

import prompt_language
import random_models
from random_loras import draw_loras

SYNTAX_PROMPTS = ["a (quiet:1.3) castle, [golden] hour", "((fox)) near the (river:0.5)",
                  "moss (and (rust:1.4):0.9) \\(35mm\\)", "fog, " * 40 + "(lantern:1.2)",
                  "two birds near a tall window", "(oil painting of the fox:0)"]
TAKEN = ("act_fn", "addition_embed_type", "addition_time_embed_dim", "attention_head_dim",
         "block_out_channels", "cross_attention_dim", "down_block_types", "downsample_padding",
         "flip_sin_to_cos", "freq_shift", "in_channels", "layers_per_block",
         "mid_block_scale_factor", "norm_eps", "norm_num_groups",
         "projection_class_embeddings_input_dim", "transformer_layers_per_block",
         "upcast_attention", "use_linear_projection")


def one(values):
    return values[0] if len(values) == 1 else values


class Nothing:
    """A run without."""

    syntax = "plain"

    def __init__(self, draw=None, run=None):
        pass

    def describe(self):
        return "alone"

    def options(self):
        return []

    def parts(self, parts):
        return parts

    def pipeline(self, name):
        return name

    def prepare(self, pipe, call):
        pass


class Loras(Nothing):
    def __init__(self, draw, run):
        self.loras = draw_loras(draw, run.folder, run.work)

    def describe(self):
        return " ".join(lora.describe() for lora in self.loras)

    def options(self):
        return [word for lora in self.loras for word in lora.options()]

    def parts(self, parts):
        for lora in self.loras:
            parts = lora.merged(parts)
        return parts


class Controls(Nothing):
    """ControlNets with a config like the denoiser's, and random weights."""

    def __init__(self, draw, run):
        unet = run.folder.parts["unet"].config
        self.nets, self.pictures, self.work = [], [], run.work
        self.begins, self.ends, self.weights = [], [], []
        self.guess = draw.random() < 0.25
        run.rescale = 0.0
        for _ in range(draw.choice([1, 1, 2])):
            levels = len(run.folder.parts["vae"].config.block_out_channels)
            own = tuple(draw.randint(2, 6) for _ in range(levels))
            net = ControlNetModel(
                **{key: unet[key] for key in TAKEN}, conditioning_embedding_out_channels=own,
                mid_block_type=unet.mid_block_type,
                controlnet_conditioning_channel_order=draw.choice(["rgb", "rgb", "bgr"]))
            random_models.randomise(net, draw.randrange(2 ** 31))
            dtype = draw.choice([torch.float32, torch.float16])
            net.to(dtype).save_pretrained(f"{run.work}/control{len(self.nets)}")
            self.nets.append(net.to(torch.float32))
            self.pictures.append(run.draw_picture(draw))
            self.weights.append(draw.choice([1.0, 0.6, 0.25, 1.5]))
            begin, end = sorted([draw.choice([0.0, 0.0, 0.2, 0.5]), draw.choice([1.0, 1.0, 0.7])])
            self.begins.append(begin)
            self.ends.append(end)
        self.from_picture = run.mode != "text"

    def describe(self):
        return f"controls {self.weights} {self.begins} {self.ends} guess {self.guess}"

    def options(self):
        words = ["--control-guess", "on" if self.guess else "off"]
        for i, picture in enumerate(self.pictures):
            picture.save(f"{self.work}/control{i}.png")
            words += ["--control", f"{self.work}/control{i}", "--control-image",
                      f"{self.work}/control{i}.png", "--control-weight", self.weights[i],
                      "--control-range", f"{self.begins[i]}:{self.ends[i]}"]
        return words

    def parts(self, parts):
        return dict(parts, controlnet=one(self.nets))

    def pipeline(self, name):
        return name.replace("XL", "XLControlNet") if "XL" in name else \
            name.replace("Diffusion", "DiffusionControlNet")

    def prepare(self, pipe, call):
        call["control_image" if self.from_picture else "image"] = one(self.pictures)
        call.update(guess_mode=self.guess, controlnet_conditioning_scale=one(self.weights),
                    control_guidance_start=one(self.begins), control_guidance_end=one(self.ends))


class Adapter(Nothing):
    def __init__(self, draw, run):
        unet = run.folder.parts["unet"].config
        self.work, self.nets, self.pictures, self.weights = run.work, [], [], []
        run.rescale = 0.0
        kind = draw.choice(["full_adapter", "light_adapter"])
        for i in range(draw.choice([1, 1, 2])):
            net = T2IAdapter(in_channels=3, channels=list(unet.block_out_channels),
                             num_res_blocks=draw.randint(1, 3), downscale_factor=run.factor,
                             adapter_type=kind)
            random_models.randomise(net, draw.randrange(2 ** 31))
            net.save_pretrained(f"{run.work}/adapter{i}")
            self.nets.append(net)
            self.pictures.append(run.draw_picture(draw, run.width, run.height))
            self.weights.append(draw.choice([1.0, 0.7, 0.3]))
        self.kind = kind

    def describe(self):
        return f"adapter {self.kind} {self.weights}"

    def options(self):
        words = []
        for i, picture in enumerate(self.pictures):
            picture.save(f"{self.work}/adapter{i}.png")
            words += ["--adapter", f"{self.work}/adapter{i}", "--adapter-image",
                      f"{self.work}/adapter{i}.png", "--adapter-weight", self.weights[i]]
        return words

    def parts(self, parts):
        net = self.nets[0] if len(self.nets) == 1 else MultiAdapter(self.nets)
        return dict(parts, adapter=net)

    def pipeline(self, name):
        return name.replace("Diffusion", "DiffusionAdapter")

    def prepare(self, pipe, call):
        call.update(image=one(self.pictures), adapter_conditioning_scale=one(self.weights))


class Words(Nothing):
    """Learnt words (textual inversion)."""

    def __init__(self, draw, run):
        generator = torch.Generator().manual_seed(draw.randrange(2 ** 31))
        self.count, run.clip_skip = draw.choice([1, 1, 2, 4]), 0
        self.vectors = {name: 0.6 * torch.randn(self.count, part.config.hidden_size,
                                                generator=generator)
                        for name, part in run.folder.parts.items() if "encoder" in name}
        first = one(list(self.vectors.values()))
        if run.folder.kind == "refiner":
            self.path, self.form = f"{run.work}/words.safetensors", "clip_g"
            save_file({"clip_g": self.vectors["text_encoder_2"]}, self.path)
        elif run.folder.is_xl:
            self.path, self.form = f"{run.work}/words.safetensors", "clip_l, clip_g"
            save_file({"clip_l": self.vectors["text_encoder"],
                       "clip_g": self.vectors["text_encoder_2"]}, self.path)
        else:
            self.form = draw.choice(["emb_params", "token", "string_to_param"])
            self.path = f"{run.work}/words." + ("pt" if self.form == "string_to_param" else
                                                "safetensors")
            if self.form == "string_to_param":
                torch.save({"string_to_token": {"*": 265}, "string_to_param": {"*": first},
                            "name": "any", "step": 5}, self.path)
            else:
                save_file({"emb_params" if self.form == "emb_params" else "<learnt>": first},
                          self.path)
        place = draw.choice(["{} of a fox", "quiet <learnt> castle, {}", "fog {}"])
        run.prompt = place.format("<learnt>")
        if draw.random() < 0.5:
            run.negative = "rust, <learnt>"

    def describe(self):
        return f"words {self.form} x{self.count}"

    def options(self):
        return ["--embedding", self.path + ":<learnt>"]

    def parts(self, parts):
        return {name: copy.deepcopy(part) if "text_encoder" in name or "tokenizer" in name else part
                for name, part in parts.items()}

    def prepare(self, pipe, call):
        for name, vectors in self.vectors.items():
            encoder = getattr(pipe, name)
            tokenizer = getattr(pipe, name.replace("text_encoder", "tokenizer"))
            for module in encoder.modules():
                if getattr(module, "eos_token_id", None) == 2:
                    module.eos_token_id = tokenizer.eos_token_id
            pipe.load_textual_inversion(vectors if len(vectors) > 1 else vectors[0],
                                        token="<learnt>", text_encoder=encoder,
                                        tokenizer=tokenizer)


class Vae(Nothing):
    """Another autoencoder for the same latents."""

    def __init__(self, draw, run):
        own = run.folder.parts["vae"].config
        config = random_models.vae_config(draw, own.latent_channels)
        groups, levels = config["norm_num_groups"], len(own.block_out_channels)
        config.update(block_out_channels=[groups * draw.randint(1, 5) for _ in range(levels)],
                      down_block_types=["DownEncoderBlock2D"] * levels,
                      up_block_types=["UpDecoderBlock2D"] * levels)
        self.vae = random_models.randomise(AutoencoderKL(**config), draw.randrange(2 ** 31))
        self.path = f"{run.work}/other-vae"
        self.vae.save_pretrained(self.path)

    def describe(self):
        return "other VAE"

    def options(self):
        return ["--vae", self.path]

    def parts(self, parts):
        return dict(parts, vae=self.vae)


class FreeU(Nothing):
    def __init__(self, draw, run):
        self.numbers = [round(draw.uniform(low, high), 2)
                        for low, high in ((1, 1.6), (1, 1.6), (0.2, 1), (0.2, 1))]

    def describe(self):
        return f"FreeU {self.numbers}"

    def options(self):
        return ["--freeu", ":".join(map(str, self.numbers))]

    def parts(self, parts):
        return dict(parts, unet=copy.deepcopy(parts["unet"]))

    def prepare(self, pipe, call):
        b1, b2, s1, s2 = self.numbers
        pipe.enable_freeu(s1=s1, s2=s2, b1=b1, b2=b2)


class PerturbedAttention(Nothing):
    def __init__(self, draw, run):
        self.scale, self.adaptive = draw.choice([1.0, 3.0]), draw.choice([0.0, 0.0, 0.004])

    def describe(self):
        return f"PAG {self.scale} {self.adaptive}"

    def options(self):
        return ["--pag", self.scale, "--pag-adaptive", self.adaptive]

    def parts(self, parts):
        return dict(parts, unet=copy.deepcopy(parts["unet"]))

    def pipeline(self, name):
        return name.replace("XL", "XLPAG") if "XL" in name else \
            name.replace("Diffusion", "DiffusionPAG")

    def prepare(self, pipe, call):
        call.update(pag_scale=self.scale, pag_adaptive_scale=self.adaptive)


class Language(Nothing):
    """Weights and long prompts, by prompt_language.py; of models with one text encoder."""

    def __init__(self, draw, run):
        self.syntax = draw.choice(["a1111", "comfy"])
        run.prompt, run.negative = draw.choice(SYNTAX_PROMPTS), draw.choice(SYNTAX_PROMPTS + [""])
        self.skip = run.clip_skip or 1
        self.texts = [run.prompt, run.negative]

    def describe(self):
        return f"{self.syntax}: {self.texts}"[:150]

    def prepare(self, pipe, call):
        rows = [prompt_language.encode_texts([text], pipe.tokenizer, pipe.text_encoder, self.syntax,
                                             {"xl": False, "skip": self.skip})[0]
                for text in self.texts]
        # The shorter one is filled up with empty chunks.
        longest, room = max(row.shape[1] for row in rows), pipe.tokenizer.model_max_length
        empty = prompt_language.encode_texts([""], pipe.tokenizer, pipe.text_encoder, self.syntax,
                                             {"xl": False, "skip": self.skip})[0]
        rows = [torch.cat([row] + [empty] * ((longest - row.shape[1]) // room), 1) for row in rows]
        for key in ("prompt", "negative_prompt"):
            call.pop(key, None)
        call.update(prompt_embeds=rows[0], negative_prompt_embeds=rows[1])


def draw_addition(draw, run):
    kind, mode = run.folder.kind, run.mode
    unet = run.folder.parts["unet"].config
    choices = [Nothing] * 3 + [Loras] * 5 + [Vae, FreeU]
    if kind in ("sd", "sdxl") and isinstance(unet.layers_per_block, int) \
            and isinstance(unet.cross_attention_dim, int) and mode != "mask":
        choices += [Controls] * 2
    if kind == "sd" and mode == "text":
        choices += [Adapter]
    if kind in ("sd", "sdxl") and mode == "text" \
            and unet.mid_block_type == "UNetMidBlock2DCrossAttn":
        choices += [PerturbedAttention]
    if kind in ("sd", "inpaint9", "sdxl", "refiner"):
        choices += [Words]
    if kind in ("sd", "inpaint9", "lcm"):
        choices += [Language] * 2
    return draw.choice(choices)(random.Random(draw.randrange(2 ** 31)), run)
