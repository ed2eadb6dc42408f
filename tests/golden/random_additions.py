"""What a run may have besides its model, drawn at random: LoRAs, nets that steer, pictures and words
that it is told, another VAE, FreeU and perturbed attention, prompts in the web UIs' languages.

    addition = draw_addition(draw, run)
    addition.options()             Kinora's
    addition.parts(parts)          the model's parts as the reference runs them
    addition.pipeline(name)        the class of the reference's pipeline
    addition.prepare(pipe, call)   what the pipeline and its call have besides
    addition.features()            (heading, name) of what is compared, for the list at the end
"""

import copy
import math
import random

import torch
from diffusers import (AutoencoderKL, AutoencoderTiny, ControlNetModel, MultiAdapter, T2IAdapter)
from safetensors.torch import save_file

import prompt_language
import random_ip_adapters
import random_models
from generate_control import original_names
from random_loras import draw_loras, is_regular

SYNTAX_PROMPTS = ["a (quiet:1.3) castle, [golden] hour", "((fox)) near the (river:0.5)",
                  "moss (and (rust:1.4):0.9) \\(35mm\\)", "fog, " * 40 + "(lantern:1.2)",
                  "two birds near a tall window", "(oil painting of the fox:0)"]
TAKEN = ("act_fn", "addition_embed_type", "addition_time_embed_dim", "attention_head_dim",
         "block_out_channels", "cross_attention_dim", "down_block_types", "downsample_padding",
         "flip_sin_to_cos", "freq_shift", "in_channels", "layers_per_block",
         "mid_block_scale_factor", "norm_eps", "norm_num_groups", "only_cross_attention",
         "projection_class_embeddings_input_dim", "resnet_time_scale_shift",
         "transformer_layers_per_block", "upcast_attention", "use_linear_projection")


def one(values):
    return values[0] if len(values) == 1 else values


class Nothing:
    """A run without."""

    syntax = "plain"

    def __init__(self, draw=None, run=None):
        pass

    def describe(self):
        return "alone"

    def features(self):
        return []

    def of_refiner(self):
        """What the model that goes on has of it: what was put into the first is not in it."""
        return Nothing()

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

    def features(self):
        named = [("LoRAs at once", str(len(self.loras)))]
        for lora in self.loras:
            named += [("LoRA layout", lora.layout), ("LoRA kind", lora.kind)]
        return named

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
        self.begins, self.ends, self.weights, self.paths = [], [], [], []
        self.guess = draw.random() < 0.25
        run.rescale = 0.0
        for _ in range(draw.choice([1, 1, 2])):
            levels = len(run.folder.parts["vae"].config.block_out_channels)
            own = tuple(draw.randint(2, 6) for _ in range(levels))
            original = is_regular(unet) and draw.random() < 0.5
            order = "rgb" if original else draw.choice(["rgb", "rgb", "bgr"])
            like = {key: unet[key] for key in TAKEN}
            if unet.encoder_hid_dim:  # which such nets do not project
                like["cross_attention_dim"] = unet.encoder_hid_dim
            net = ControlNetModel(
                **like, conditioning_embedding_out_channels=own,
                mid_block_type=unet.mid_block_type, controlnet_conditioning_channel_order=order)
            random_models.randomise(net, draw.randrange(2 ** 31))
            self.store(draw, net, original)
            self.nets.append(net.to(torch.float32))
            self.pictures.append(run.draw_picture(draw))
            self.weights.append(draw.choice([1.0, 0.6, 0.25, 1.5, -0.4]))
            begin, end = sorted([draw.choice([0.0, 0.0, 0.2, 0.5]), draw.choice([1.0, 1.0, 0.7])])
            self.begins.append(begin)
            self.ends.append(end)
        self.from_picture = run.mode != "text"

    def store(self, draw, net, original):
        """As a folder, or as one file in the layout of the first authors."""
        path, dtype = f"{self.work}/control{len(self.nets)}", draw.choice([torch.float32, torch.float16])
        net.to(dtype)
        if original:
            path, tensors = path + ".safetensors", net.state_dict()
            prefix = draw.choice(["control_model.", ""])
            save_file({prefix + old: tensors[name].contiguous()
                       for name, old in original_names(list(tensors), net.config)}, path)
        else:
            net.save_pretrained(path)
        self.paths.append(path)

    def describe(self):
        return f"controls {self.weights} {self.begins} {self.ends} guess {self.guess}"

    def features(self):
        named = [("ControlNets at once", str(len(self.nets)))]
        named += [("ControlNet", "one file" if path.endswith(".safetensors") else "folder")
                  for path in self.paths]
        return named + [("ControlNet", "guess mode")] * self.guess

    def options(self):
        words = ["--control-guess", "on" if self.guess else "off"]
        for i, picture in enumerate(self.pictures):
            picture.save(f"{self.work}/control{i}.png")
            words += ["--control", self.paths[i], "--control-image",
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
        light = min(unet.block_out_channels) >= 4  # a fourth of them are between
        kind = draw.choice(["full_adapter"] + ["light_adapter"] * light)
        for i in range(draw.choice([1, 1, 2])):
            net = T2IAdapter(in_channels=3, channels=list(unet.block_out_channels),
                             num_res_blocks=draw.randint(1, 3), downscale_factor=run.factor,
                             adapter_type=kind)
            random_models.randomise(net, draw.randrange(2 ** 31))
            net.save_pretrained(f"{run.work}/adapter{i}")
            self.nets.append(net)
            self.pictures.append(run.draw_picture(draw, run.width, run.height))
            self.weights.append(draw.choice([1.0, 0.7, 0.3, -0.5]))
        self.kind = kind

    def describe(self):
        return f"adapter {self.kind} {self.weights}"

    def features(self):
        return [("T2I-Adapter", f"{self.kind}, {len(self.nets)} at once")]

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

    def features(self):
        return [("textual inversion", self.form)]

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

    def features(self):
        return [("VAE", "another one")]

    def options(self):
        return ["--vae", self.path]

    def parts(self, parts):
        return dict(parts, vae=self.vae)


class TinyVae(Vae):
    """An AutoencoderTiny, as TAESD, for the same latents."""

    def __init__(self, draw, run):
        own, width = run.folder.parts["vae"].config, draw.randint(3, 8)
        levels = len(own.block_out_channels)
        blocks = [draw.randint(0, 2) for _ in range(levels)]
        config = dict(latent_channels=own.latent_channels, act_fn=draw.choice(["relu", "silu"]),
                      encoder_block_out_channels=[width] * levels, num_encoder_blocks=blocks,
                      decoder_block_out_channels=[width + 1] * levels,
                      num_decoder_blocks=blocks[::-1], scaling_factor=draw.choice([1.0, 0.7]))
        self.vae = random_models.randomise(AutoencoderTiny(**config), draw.randrange(2 ** 31))
        self.path = f"{run.work}/tiny-vae"
        self.vae.save_pretrained(self.path)

    def describe(self):
        return "tiny VAE"

    def features(self):
        return [("VAE", "AutoencoderTiny")]


class IpAdapters(Nothing):
    """Pictures that the run is told like words."""

    def __init__(self, draw, run):
        unet, self.work, self.weights = run.folder.parts["unet"], run.work, []
        self.encoder, self.processor = random_ip_adapters.make_encoder(draw, f"{run.work}/encoder")
        self.kinds = [draw.choice(random_ip_adapters.KINDS) for _ in range(draw.choice([1, 1, 2, 3]))]
        written = [random_ip_adapters.write_ip_adapter(draw, kind, unet, self.encoder,
                                                       f"{run.work}/ip{i}")
                   for i, kind in enumerate(self.kinds)]
        self.paths = [path for path, _ in written]
        self.tensors = [tensors for _, tensors in written]
        self.weights = [draw.choice([1.0, 0.6, 0.35, 1.4, 0.0, -0.5]) for _ in self.kinds]
        self.pictures = [run.draw_picture(draw) for _ in self.kinds]

    def describe(self):
        return f"IP-Adapters {self.kinds} {self.weights}"

    def features(self):
        return [("IP-Adapter", kind) for kind in self.kinds] + \
            [("IP-Adapters at once", str(len(self.kinds)))]

    def options(self):
        words = ["--image-encoder", f"{self.work}/encoder/model.safetensors"]
        for i, (path, picture, weight) in enumerate(zip(self.paths, self.pictures, self.weights)):
            picture.save(f"{self.work}/ip{i}.png")
            words += ["--ip-adapter", f"{path}:{self.work}/ip{i}.png:{weight}"]
        return words

    def parts(self, parts):
        return dict(parts, unet=copy.deepcopy(parts["unet"]), image_encoder=self.encoder,
                    feature_extractor=self.processor)

    def prepare(self, pipe, call):
        pipe.load_ip_adapter(self.tensors, subfolder=[""] * len(self.tensors),
                             weight_name=[""] * len(self.tensors), image_encoder_folder=None,
                             low_cpu_mem_usage=False)
        pipe.set_ip_adapter_scale(self.weights)
        call["ip_adapter_image"] = self.pictures


class FreeU(Nothing):
    def of_refiner(self):
        return self

    def __init__(self, draw, run):
        self.numbers = [round(draw.uniform(low, high), 2)
                        for low, high in ((1, 1.6), (1, 1.6), (0.2, 1), (0.2, 1))]

    def describe(self):
        return f"FreeU {self.numbers}"

    def features(self):
        return [("guidance", "FreeU")]

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

    def features(self):
        return [("guidance", "PAG, adaptive" if self.adaptive else "PAG")]

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
    """Weights and long prompts, by prompt_language.py."""

    def __init__(self, draw, run):
        self.syntax = draw.choice(["a1111", "comfy"])
        run.prompt, run.negative = draw.choice(SYNTAX_PROMPTS), draw.choice(SYNTAX_PROMPTS + [""])
        self.xl = run.folder.is_xl
        self.options_of_texts = {"xl": self.xl, "skip": run.clip_skip or (2 if self.xl else 1)}
        self.texts = [run.prompt, run.negative]
        self.length = next(part.model_max_length for name, part in run.folder.parts.items()
                           if "tokenizer" in name)

    def describe(self):
        return f"{self.syntax}: {self.texts}"[:150]

    def features(self):
        return [("prompts", self.syntax + (", SDXL" if self.xl else ""))]

    def told(self, pipe, text, name):
        """Embeddings of a text by one encoder, and its pooled one."""
        tokenizer = getattr(pipe, name.replace("text_encoder", "tokenizer"))
        return prompt_language.encode_texts([text], tokenizer, getattr(pipe, name), self.syntax,
                                            self.options_of_texts)

    def prepare(self, pipe, call):
        names = [name for name in ("text_encoder", "text_encoder_2")
                 if getattr(pipe, name, None) is not None]
        whole, pooled = [], []
        for text in self.texts:
            rows = [self.told(pipe, text, name) for name in names]
            # What one encoder has fewer of is filled up with empty chunks.
            longest = max(states.shape[1] for states, _ in rows)
            filled = [torch.cat([states] + [self.told(pipe, "", name)[0]] * (
                (longest - states.shape[1]) // self.length), 1)
                for name, (states, _) in zip(names, rows)]
            whole.append(torch.cat(filled, -1))
            pooled.append(rows[-1][1])
        # Attention over a text that is there twice is attention over the text.
        common = math.lcm(*(states.shape[1] for states in whole))
        whole = [states.repeat(1, common // states.shape[1], 1) for states in whole]
        if self.xl and self.syntax == "a1111" and self.texts[1] == "" \
                and pipe.config.force_zeros_for_empty_prompt:
            whole[1], pooled[1] = torch.zeros_like(whole[1]), torch.zeros_like(pooled[1])
        for key in ("prompt", "negative_prompt"):
            call.pop(key, None)
        call.update(prompt_embeds=whole[0], negative_prompt_embeds=whole[1])
        if self.xl:
            call.update(pooled_prompt_embeds=pooled[0], negative_pooled_prompt_embeds=pooled[1])


ADDITIONS = (Nothing, Loras, Vae, TinyVae, FreeU, Controls, Adapter, IpAdapters, PerturbedAttention,
             Words, Language)


def draw_addition(draw, run):
    kind, mode = run.folder.kind, run.mode
    unet = run.folder.parts["unet"].config
    choices = [Nothing] * 3 + [Loras] * 6 + [Vae, TinyVae, FreeU, Language, Language]
    if kind in ("sd", "sdxl") and isinstance(unet.layers_per_block, int) and unet.mid_block_type \
            and isinstance(unet.cross_attention_dim, int) and mode != "mask":
        choices += [Controls] * 2
    if kind == "sd" and mode == "text":
        choices += [Adapter]
    if kind in ("sd", "sdxl") and mode == "text" \
            and unet.mid_block_type == "UNetMidBlock2DCrossAttn":
        choices += [PerturbedAttention]
    if kind in ("sd", "inpaint9", "sdxl", "refiner"):
        choices += [Words]
    if kind in ("sd", "sdxl", "inpaint9") \
            and random_ip_adapters.takes_ip_adapters(run.folder.parts["unet"]):
        choices += [IpAdapters] * 2
    fitting = run.passes.goes_with
    choices = [cls for cls in choices if fitting is None or cls.__name__ in fitting]
    return draw.choice(choices)(random.Random(draw.randrange(2 ** 31)), run)
