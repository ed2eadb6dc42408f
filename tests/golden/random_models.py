"""Small Stable Diffusion models with random configs and weights, as diffusers folders.

    folder = build("/some/folder", random.Random(7), "sdxl")
"""

import inspect
import json
import math
import os

import diffusers
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import (CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection,
                          CLIPTokenizer)

START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = ("river lantern quiet castle fox morning fog oil painting of the two birds near a tall "
         "window; cinematic, golden hour, 35mm, very detailed moss and rust").split()
CLASSES = {
    "sd": "StableDiffusionPipeline", "lcm": "LatentConsistencyModelPipeline",
    "inpaint9": "StableDiffusionInpaintPipeline",
    "edit": "StableDiffusionInstructPix2PixPipeline",
    "sdxl": "StableDiffusionXLPipeline", "sdxl-inpaint9": "StableDiffusionXLInpaintPipeline",
    "refiner": "StableDiffusionXLImg2ImgPipeline",
}
XL_KINDS = ("sdxl", "sdxl-inpaint9", "refiner")
SCHEDULERS = ["EulerDiscreteScheduler", "DDIMScheduler", "PNDMScheduler", "DDPMScheduler"]
ACTIVATIONS = ["silu", "silu", "silu", "gelu", "relu", "mish"]


def write_tokenizer(folder, draw, length, pad):
    """A byte-level vocabulary in CLIP's layout whose merges glue random neighbours of WORDS."""
    os.makedirs(folder, exist_ok=True)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    spelled = [[*word[:-1], word[-1] + "</w>"] for word in WORDS]
    merges = []
    for _ in range(draw.randint(10, 70)):
        pairs = sorted({pair for word in spelled for pair in zip(word, word[1:])})
        if not pairs:
            break
        pair = draw.choice(pairs)
        merges.append(pair)
        for word in spelled:
            at = 0
            while at + 1 < len(word):
                if (word[at], word[at + 1]) == pair:
                    word[at:at + 2] = ["".join(pair)]
                at += 1
    tokens = alphabet + [a + "</w>" for a in alphabet] + ["".join(m) for m in merges]
    tokens = list(dict.fromkeys(tokens)) + [START, END]
    with open(f"{folder}/vocab.json", "w", encoding="utf-8") as file:
        json.dump({token: index for index, token in enumerate(tokens)}, file)
    with open(f"{folder}/merges.txt", "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": pad}
    with open(f"{folder}/tokenizer_config.json", "w") as file:
        json.dump(dict(special, model_max_length=length, do_lower_case=True, errors="replace",
                       add_prefix_space=False, tokenizer_class="CLIPTokenizer"), file)
    with open(f"{folder}/special_tokens_map.json", "w") as file:
        json.dump(special, file)
    return len(tokens)


def randomise(module, seed):
    """No weight at its default, signals of order one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(module.named_parameters()):
            values = torch.randn(p.shape, generator=generator)
            if "token_embedding" in name or "position_embedding" in name:
                values *= 0.6
            elif p.ndim >= 2:
                values *= 1.1 / math.sqrt(p[0].numel())
            elif "norm" in name and name.endswith("weight"):
                values = 1 + 0.25 * values
            else:
                values *= 0.15
            p.copy_(values)
    return module.eval()


def text_config(draw, vocabulary):
    heads = draw.choice([1, 2, 3, 4])
    return dict(hidden_size=heads * draw.choice([4, 6, 8, 10]),
                intermediate_size=draw.choice([20, 33, 64]),
                num_hidden_layers=draw.randint(1, 4), num_attention_heads=heads,
                hidden_act=draw.choice(["quick_gelu", "gelu"] * 3 + ["mish", "gelu_fast", "silu"]),
                layer_norm_eps=draw.choice([1e-5, 1e-5, 1e-3]), vocab_size=vocabulary,
                bos_token_id=vocabulary - 2, pad_token_id=vocabulary - 1,
                eos_token_id=draw.choice([vocabulary - 1, 2]),
                projection_dim=draw.choice([6, 10, 16]))


def vae_config(draw, latent_channels):
    statistics = {}
    if latent_channels == 4 and draw.random() < 0.25:  # which the pipelines of SDXL follow alone
        statistics = dict(latents_mean=[round(draw.uniform(-1, 1), 3) for _ in range(4)],
                          latents_std=[round(draw.uniform(0.5, 3), 3) for _ in range(4)])
    groups = draw.choice([1, 2, 3, 4])
    levels = draw.choice([1, 2, 2, 3, 4])
    return dict(in_channels=3, out_channels=3, latent_channels=latent_channels,
                block_out_channels=[groups * draw.randint(1, 5) for _ in range(levels)],
                down_block_types=[draw.choice(["", "", "", "Attn"]) + "DownEncoderBlock2D"
                                  for _ in range(levels)],
                up_block_types=[draw.choice(["", "", "", "Attn"]) + "UpDecoderBlock2D"
                                for _ in range(levels)],
                layers_per_block=draw.randint(1, 3), norm_num_groups=groups,
                act_fn=draw.choice(ACTIVATIONS), sample_size=draw.choice([32, 64]),
                scaling_factor=draw.choice([0.18215, 0.13025, 1.0, 0.5]),
                shift_factor=draw.choice([None, None, 0.1]),
                force_upcast=draw.choice([True, False]),
                mid_block_add_attention=draw.random() < 0.75,
                use_quant_conv=draw.random() < 0.75, use_post_quant_conv=draw.random() < 0.75,
                **statistics)


def unet_config(draw, in_channels, out_channels, width):
    groups = draw.choice([1, 2, 3, 4, 5])
    levels = draw.choice([1, 2, 2, 3, 3, 4, 5])
    heads = [draw.choice([1, 2, 3, 4]) for _ in range(levels)]
    channels = [groups * h * draw.randint(1, 4 if groups * h < 8 else 2) for h in heads]
    if draw.random() < 0.3:  # one number of heads for all
        head = draw.choice([1, 2, 4])
        channels = [groups * head * draw.randint(1, 3) for _ in channels]
        heads = head
    if channels[0] % 2:  # sines and cosines: an even first width
        channels[0] *= 2
    attention = [draw.random() < 0.7 for _ in range(levels)]
    up = [not a if draw.random() < 0.1 else a for a in reversed(attention)]
    per_block = draw.randint(1, 3)
    if draw.random() < 0.25:
        per_block = [draw.randint(1, 3) for _ in range(levels)]
    depth = 1 if draw.random() < 0.5 else draw.choice(
        [2, [draw.randint(1, 3) for _ in range(levels)]])
    config = dict(
        sample_size=draw.choice([8, 12, 16]), in_channels=in_channels, out_channels=out_channels,
        block_out_channels=channels, attention_head_dim=heads, norm_num_groups=groups,
        down_block_types=["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attention],
        up_block_types=["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in up],
        mid_block_type=draw.choice(["UNetMidBlock2DCrossAttn"] * 3 + ["UNetMidBlock2D", None]),
        layers_per_block=per_block, transformer_layers_per_block=depth,
        cross_attention_dim=width if draw.random() < 0.8 else [width] * levels,
        use_linear_projection=draw.random() < 0.5, flip_sin_to_cos=draw.random() < 0.8,
        freq_shift=draw.choice([0, 0, 1]), norm_eps=draw.choice([1e-5, 1e-5, 1e-6, 1e-3]),
        act_fn=draw.choice(ACTIVATIONS), center_input_sample=draw.random() < 0.1,
        downsample_padding=draw.choice([1, 1, 1, 0]),
        mid_block_scale_factor=draw.choice([1, 1, 1.4, 2.0]),
        conv_in_kernel=draw.choice([3, 3, 3, 1, 5]), conv_out_kernel=draw.choice([3, 3, 3, 1]),
        upcast_attention=draw.random() < 0.3, dropout=draw.choice([0.0, 0.0, 0.1]))
    if draw.random() < 0.2:
        config["time_embedding_dim"] = draw.choice([10, 24, 64])
    config.update(rare_options(draw, config))
    return config


def rare_options(draw, config):
    """What no model of everyday has."""
    levels = len(config["block_out_channels"])
    attends = [kind.startswith("Cross") for kind in config["down_block_types"]]
    rare = {}
    if draw.random() < 0.2:
        rare["resnet_time_scale_shift"] = "scale_shift"
    if draw.random() < 0.2:
        rare["only_cross_attention"] = draw.choice(
            [True, [draw.random() < 0.5 for _ in range(levels)]])
    if draw.random() < 0.15:
        rare["time_embedding_type"] = "fourier"
    if draw.random() < 0.15:
        rare["time_embedding_act_fn"] = draw.choice(["silu", "mish", "gelu"])
    if draw.random() < 0.15:
        rare["timestep_post_act"] = draw.choice(["silu", "mish", "relu"])
    if draw.random() < 0.1:  # without a meaning for the types of blocks that there are
        rare.update(resnet_skip_time_act=True, resnet_out_scale_factor=1.7,
                    cross_attention_norm="layer_norm")
    if draw.random() < 0.2:
        rare.update(uneven_transformers(draw, config["layers_per_block"], levels))
    if draw.random() < 0.15 and not isinstance(config["cross_attention_dim"], list):
        rare["encoder_hid_dim"] = config["cross_attention_dim"]
        rare["cross_attention_dim"] = draw.choice([6, 12, 20])
    elif draw.random() < 0.5 and not attends[0] and config["up_block_types"][-1] == "UpBlock2D":
        rare["cross_attention_dim"] = [7] + [config["cross_attention_dim"]] * (levels - 1)
        if levels == 1 or isinstance(config["cross_attention_dim"], list):
            rare.pop("cross_attention_dim")
    if draw.random() < 0.1 and isinstance({**config, **rare}["cross_attention_dim"], int):
        rare["attention_type"] = draw.choice(["gated", "gated-text-image"])
    if draw.random() < 0.07:  # which some of the reference's pipelines stumble over
        rare["sample_size"] = [draw.choice([8, 12]), draw.choice([8, 10, 16])]
    return rare


def uneven_transformers(draw, layers, levels):
    """Another depth for each transformer, or for the way up."""
    layers = layers if isinstance(layers, list) else [layers] * levels
    down = [[draw.randint(0, 2) for _ in range(n)] if draw.random() < 0.7 else draw.randint(0, 2)
            for n in layers]
    up = [[draw.randint(0, 2) for _ in range(n + 1)] if draw.random() < 0.7 else draw.randint(0, 2)
          for n in reversed(layers)]
    return dict(transformer_layers_per_block=down, reverse_transformer_layers_per_block=up)


def scheduler_config(draw, sampler_class):
    config = dict(_class_name=sampler_class, _diffusers_version="0.42.1",
                  num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012,
                  beta_schedule="scaled_linear", steps_offset=1, clip_sample=False,
                  set_alpha_to_one=False, skip_prk_steps=True)
    config["prediction_type"] = draw.choice(["epsilon", "epsilon", "v_prediction"])
    if draw.random() < 0.5:
        config["timestep_spacing"] = draw.choice(["leading", "trailing", "linspace"])
    if draw.random() < 0.15:
        config["beta_schedule"] = draw.choice(["linear", "squaredcos_cap_v2"])
    if draw.random() < 0.1 and config["prediction_type"] == "v_prediction":
        config.update(rescale_betas_zero_snr=True, timestep_spacing="trailing")
    if draw.random() < 0.1:
        config["set_alpha_to_one"] = True
    if draw.random() < 0.1:
        config.update(thresholding=True, sample_max_value=draw.choice([1.5, 4.0]))
    if draw.random() < 0.15:
        config.update(sigma_min=0.03, sigma_max=12.0)
    if draw.random() < 0.1:
        config["final_sigmas_type"] = "sigma_min"
    for key, other in (("steps_offset", 0), ("clip_sample", True)):  # as in files of 2022
        if draw.random() < 0.15:
            config.pop(key) if draw.random() < 0.5 else config.update({key: other})
    return config


def as_pipeline_has_it(config, kind):
    """The scheduler's config after the pipeline was built with it."""
    scheduler = getattr(diffusers, config["_class_name"]).from_config(config)
    pipeline = getattr(diffusers, CLASSES[kind])
    takes = inspect.signature(pipeline.__init__).parameters
    parts = {name: None for name in takes if takes[name].default is inspect.Parameter.empty
             or name in ("image_encoder", "feature_extractor")}
    parts.pop("self")
    more = {"requires_safety_checker": False} if "requires_safety_checker" in takes else {}
    pipeline = pipeline(**dict(parts, scheduler=scheduler), **more)
    return dict(pipeline.scheduler.config, _class_name=config["_class_name"])


def width_of(part):
    return part.config.hidden_size


class Folder:
    """A model on disk: its parts in float32 as diffusers has them, and what it is."""

    def __init__(self, path, kind, parts, scheduler, index):
        self.path, self.kind, self.parts = path, kind, parts
        self.scheduler, self.index = scheduler, index  # contents of the two files

    @property
    def is_xl(self):
        return self.kind in XL_KINDS


def text_parts(path, draw, kind):
    """Tokenizers and text encoders by their names."""
    suffixes = [""] if kind not in XL_KINDS else ["_2"] if kind == "refiner" else ["", "_2"]
    length = draw.choice([77, 77, 20, 33])
    parts = {}
    for suffix in suffixes:
        folder = f"{path}/tokenizer{suffix}"
        pad = "!" if suffix or draw.random() < 0.3 else END
        size = write_tokenizer(folder, draw, length, pad)
        config = text_config(draw, size)
        encoder = CLIPTextModelWithProjection if suffix == "_2" else CLIPTextModel
        parts["text_encoder" + suffix] = encoder(
            CLIPTextConfig(max_position_embeddings=length, **config))
        parts["tokenizer" + suffix] = CLIPTokenizer.from_pretrained(folder)
    return parts


def picture_parts(draw, kind, text):
    """The denoiser and the autoencoder."""
    width = sum(part.config.hidden_size for name, part in text.items() if "encoder" in name)
    latent = draw.choice([4, 4, 4, 4, 3, 8, 16]) if kind in ("sd", "sdxl", "lcm") else 4
    channels = {"inpaint9": 9, "sdxl-inpaint9": 9, "edit": 8}.get(kind, latent)
    unet = unet_config(draw, channels, latent, width)
    if kind == "lcm" or (kind == "sdxl" and draw.random() < 0.1):
        unet["time_cond_proj_dim"] = draw.choice([8, 16, 32])
    if kind in XL_KINDS:
        numbers = draw.choice([4, 8, 6])
        told = numbers * (5 if kind == "refiner" else 6)
        unet.update(addition_embed_type="text_time", addition_time_embed_dim=numbers,
                    projection_class_embeddings_input_dim=told
                    + text["text_encoder_2"].config.projection_dim)
    return {"unet": UNet2DConditionModel(**unet), "vae": AutoencoderKL(**vae_config(draw, latent))}


def model_index(draw, kind, parts, scheduler):
    index = {"_class_name": CLASSES[kind], "_diffusers_version": "0.42.1",
             "scheduler": ["diffusers", scheduler]}
    for name, part in parts.items():
        library = "diffusers" if name in ("unet", "vae") else "transformers"
        index[name] = [library, "CLIPTokenizer" if "tokenizer" in name else type(part).__name__]
    if kind == "refiner":
        index.update(text_encoder=[None, None], tokenizer=[None, None],
                     requires_aesthetics_score=True, force_zeros_for_empty_prompt=False)
    elif kind in XL_KINDS:
        index["force_zeros_for_empty_prompt"] = draw.random() < 0.7
    return index


def write_json(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


def build(path, draw, kind):
    """kind: one of CLASSES."""
    parts = text_parts(path, draw, kind)
    parts.update(picture_parts(draw, kind, parts))
    for name in sorted(parts):
        if "tokenizer" not in name:
            randomise(parts[name], draw.randrange(2 ** 31))
    store(path, draw, parts)
    scheduler = scheduler_config(draw, draw.choice(SCHEDULERS))
    write_json(f"{path}/scheduler/scheduler_config.json", scheduler)
    index = model_index(draw, kind, parts, scheduler["_class_name"])
    scheduler = as_pipeline_has_it(scheduler, kind)
    write_json(f"{path}/model_index.json", index)
    return Folder(path, kind, parts, scheduler, index)


def store(path, draw, parts):
    """In the formats that folders have: number formats, shards, pickles."""
    for name, part in parts.items():
        if name.startswith("tokenizer"):
            continue
        dtype = draw.choice([torch.float32, torch.float16, torch.bfloat16])
        options = draw.choice([{}, {}, {}, {"max_shard_size": "100KB"},
                               {"safe_serialization": False}])
        if name.startswith("text_encoder") and options.get("safe_serialization") is False:
            options = {}
        if dtype != torch.float32 and not options and draw.random() < 0.5:
            options = {"variant": "fp16"}
        part.to(dtype).save_pretrained(f"{path}/{name}", **options)
        part.to(torch.float32)
