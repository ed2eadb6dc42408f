"""Tiny models of the Stable Diffusion XL kind with random weights, as complete diffusers folders.

    from tiny_xl import build
    pipeline = build("tiny-xl", "/some/folder/tiny-xl")

As in tiny_models.py no parameter is left at its default initialisation.
"""

import json
import os
import zlib

import torch
from diffusers import (AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler,
                       StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline,
                       UNet2DConditionModel)
from transformers import (CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection,
                          CLIPTokenizer)

from tiny_models import END, randomise, write_tokenizer

VAE = dict(in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(4, 8, 8),
           layers_per_block=1, norm_num_groups=2, scaling_factor=0.13025, sample_size=32)
DOWN, CROSS_DOWN = "DownBlock2D", "CrossAttnDownBlock2D"
UP, CROSS_UP = "UpBlock2D", "CrossAttnUpBlock2D"

MODELS = {
    # The base model in small: depths per level, two encoders, zeros for an empty prompt; the
    # second encoder's config has the end token of old files, which stands for the highest id.
    "tiny-xl": {
        "dtype": torch.float16,
        "unet": dict(sample_size=12, in_channels=4, out_channels=4,
                     block_out_channels=(4, 8, 12), down_block_types=(DOWN, CROSS_DOWN, CROSS_DOWN),
                     up_block_types=(CROSS_UP, CROSS_UP, UP), layers_per_block=2,
                     transformer_layers_per_block=(1, 2, 3), attention_head_dim=(1, 2, 3),
                     norm_num_groups=2, cross_attention_dim=28, use_linear_projection=True,
                     addition_embed_type="text_time", addition_time_embed_dim=6,
                     projection_class_embeddings_input_dim=10 + 6 * 6),
        "vae": VAE,
        "text": dict(hidden_size=16, intermediate_size=40, num_hidden_layers=3,
                     num_attention_heads=2, max_position_embeddings=77, hidden_act="quick_gelu",
                     projection_dim=16),
        "text_2": dict(hidden_size=12, intermediate_size=30, num_hidden_layers=4,
                       num_attention_heads=3, max_position_embeddings=77, hidden_act="gelu",
                       projection_dim=10, eos_token_id=2),
        "scheduler": (EulerDiscreteScheduler, dict(steps_offset=1, timestep_spacing="leading")),
    },
    # The refiner in small: the second encoder alone, a score for a size.
    "tiny-xl-refiner": {
        "dtype": torch.float16,
        "unet": dict(sample_size=12, in_channels=4, out_channels=4,
                     block_out_channels=(4, 8, 12, 12),
                     down_block_types=(DOWN, CROSS_DOWN, CROSS_DOWN, DOWN),
                     up_block_types=(UP, CROSS_UP, CROSS_UP, UP), layers_per_block=1,
                     transformer_layers_per_block=2, attention_head_dim=(1, 2, 3, 3),
                     norm_num_groups=2, cross_attention_dim=12, use_linear_projection=True,
                     addition_embed_type="text_time", addition_time_embed_dim=6,
                     projection_class_embeddings_input_dim=10 + 5 * 6),
        "vae": VAE,
        "text_2": dict(hidden_size=12, intermediate_size=30, num_hidden_layers=4,
                       num_attention_heads=3, max_position_embeddings=77, hidden_act="gelu",
                       projection_dim=10, eos_token_id=2),
        "scheduler": (EulerDiscreteScheduler, dict(steps_offset=1, timestep_spacing="leading")),
    },
    # What the formats allow and nobody ships: odd widths, sines first, a frequency shift, another
    # activation than the added embedding's, v-prediction, short prompts, an empty prompt encoded.
    "tiny-xl-odd": {
        "dtype": torch.bfloat16,
        "unet": dict(sample_size=12, in_channels=5, out_channels=5, block_out_channels=(10, 15),
                     down_block_types=(CROSS_DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, UP),
                     layers_per_block=(2, 1), transformer_layers_per_block=(3, 1),
                     attention_head_dim=(2, 3), norm_num_groups=5, cross_attention_dim=30,
                     flip_sin_to_cos=False, freq_shift=1, act_fn="gelu", time_embedding_dim=36,
                     addition_embed_type="text_time", addition_time_embed_dim=5,
                     projection_class_embeddings_input_dim=7 + 6 * 5),
        "vae": dict(VAE, latent_channels=5, scaling_factor=0.7, block_out_channels=(6, 10)),
        "text": dict(hidden_size=18, intermediate_size=30, num_hidden_layers=2,
                     num_attention_heads=3, max_position_embeddings=20, hidden_act="gelu",
                     layer_norm_eps=1e-3),
        "text_2": dict(hidden_size=12, intermediate_size=20, num_hidden_layers=3,
                       num_attention_heads=2, max_position_embeddings=20, hidden_act="quick_gelu",
                       projection_dim=7),
        "scheduler": (DDIMScheduler, dict(steps_offset=1, prediction_type="v_prediction",
                                          timestep_spacing="trailing", clip_sample=False,
                                          rescale_betas_zero_snr=True)),
        "force_zeros": False,
    },
}


def text_encoder(kind, options, vocabulary_size, seed, dtype):
    config = dict(vocab_size=vocabulary_size, bos_token_id=vocabulary_size - 2,
                  eos_token_id=vocabulary_size - 1, pad_token_id=vocabulary_size - 1)
    return randomise(kind(CLIPTextConfig(**(config | options))), seed, dtype)


def build(name, folder):
    """Writes the model as a diffusers folder and returns the float32 pipeline of it."""
    model = MODELS[name]
    dtype, seed = model["dtype"], zlib.crc32(name.encode())
    parts = {"text_encoder": None, "tokenizer": None}
    for suffix, kind, pad in (("", CLIPTextModel, END), ("_2", CLIPTextModelWithProjection, "!")):
        if "text" + suffix not in model:
            continue
        options = model["text" + suffix]
        path = os.path.join(folder, "tokenizer" + suffix)
        size = write_tokenizer(path, options["max_position_embeddings"], pad)
        parts["tokenizer" + suffix] = CLIPTokenizer.from_pretrained(path)
        parts["text_encoder" + suffix] = text_encoder(kind, options, size, seed, dtype)
        seed += 1
    levels = len(model["vae"]["block_out_channels"])
    parts["unet"] = randomise(UNet2DConditionModel(**model["unet"]), seed, dtype)
    parts["vae"] = randomise(
        AutoencoderKL(down_block_types=("DownEncoderBlock2D",) * levels,
                      up_block_types=("UpDecoderBlock2D",) * levels, **model["vae"]),
        seed + 1, dtype)
    scheduler, options = model["scheduler"]
    parts["scheduler"] = scheduler(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012,
                                   beta_schedule="scaled_linear", **options)
    refines = parts["text_encoder"] is None
    kind = StableDiffusionXLImg2ImgPipeline if refines else StableDiffusionXLPipeline
    if refines:
        parts["requires_aesthetics_score"] = True
    pipeline = kind(**parts, force_zeros_for_empty_prompt=model.get("force_zeros", True),
                    add_watermarker=False)
    pipeline.to(dtype).save_pretrained(folder)
    keep_old_end_token(folder, model)
    return kind.from_pretrained(folder, torch_dtype=torch.float32, add_watermarker=False)


def keep_old_end_token(folder, model):
    """transformers may correct it when it saves."""
    path = os.path.join(folder, "text_encoder_2", "config.json")
    with open(path) as file:
        config = json.load(file)
    if "eos_token_id" in model["text_2"]:
        config["eos_token_id"] = model["text_2"]["eos_token_id"]
        with open(path, "w") as file:
            json.dump(config, file, indent=2, sort_keys=True)
            file.write("\n")
