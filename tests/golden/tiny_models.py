"""Tiny Stable Diffusion models with random weights, as complete diffusers folders.

    from tiny_models import build
    build("tiny-sd1", "/some/folder/tiny-sd1")

No parameter is left at its default initialisation (norms and biases too), and all are scaled so
that signals stay of order one: then a mistake in any part of an implementation shows.
"""

import argparse
import json
import math
import os
import zlib

import torch
from diffusers import (AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler,
                       PNDMScheduler, StableDiffusionPipeline,
                       UNet2DConditionModel)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"

# What the merges of the tiny vocabularies are learnt from: a few words is enough for tokens of
# one, two and many letters.
CORPUS = ("a photo of a red apple on the table, 3d emoji of the smiling cat in the style of "
          "watercolor painting; portrait photograph, highly detailed, sharp focus").split()

# What tells the models apart from diffusers' defaults.
MODELS = {
    # Stable Diffusion 1.x in small: attention on all but the deepest level, quick_gelu text.
    "tiny-sd1": {
        "dtype": torch.float32,
        "unet": dict(sample_size=8, in_channels=4, out_channels=4,
                     block_out_channels=(4, 8, 8, 8), layers_per_block=2,
                     attention_head_dim=2, norm_num_groups=2, cross_attention_dim=16),
        "vae": dict(in_channels=3, out_channels=3, latent_channels=4,
                    block_out_channels=(4, 8, 8, 8), layers_per_block=2, norm_num_groups=2,
                    scaling_factor=0.18215, sample_size=64),
        "text": dict(hidden_size=16, intermediate_size=40, num_hidden_layers=3,
                     num_attention_heads=2, max_position_embeddings=77,
                     hidden_act="quick_gelu"),
        "scheduler": (PNDMScheduler, dict(steps_offset=1, skip_prk_steps=True,
                                          set_alpha_to_one=False)),
    },
    # Stable Diffusion 2.x: linear projections, heads per level, gelu text, v-prediction.
    "tiny-sd2v": {
        "dtype": torch.float16,
        "unet": dict(sample_size=12, in_channels=4, out_channels=4,
                     block_out_channels=(8, 16, 16),
                     down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                                       "DownBlock2D"),
                     up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
                     layers_per_block=2, attention_head_dim=(2, 4, 8), norm_num_groups=4,
                     cross_attention_dim=24, use_linear_projection=True),
        "vae": dict(in_channels=3, out_channels=3, latent_channels=4,
                    block_out_channels=(6, 12, 12), layers_per_block=2, norm_num_groups=3,
                    scaling_factor=0.18215, sample_size=48),
        "text": dict(hidden_size=24, intermediate_size=64, num_hidden_layers=3,
                     num_attention_heads=3, max_position_embeddings=77, hidden_act="gelu"),
        "scheduler": (DDIMScheduler, dict(steps_offset=1, prediction_type="v_prediction",
                                          set_alpha_to_one=False)),
        "pad_token": "!",
    },
    # The starter model's kind: RGBA, 8 latent channels, no attention in the autoencoder, none at
    # the first level, zero terminal SNR.
    "tiny-starter": {
        "dtype": torch.float16,
        "unet": dict(sample_size=8, in_channels=8, out_channels=8,
                     block_out_channels=(8, 12, 20),
                     down_block_types=("DownBlock2D", "CrossAttnDownBlock2D",
                                       "CrossAttnDownBlock2D"),
                     up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                     layers_per_block=1, attention_head_dim=(2, 3, 5), norm_num_groups=4,
                     cross_attention_dim=32),
        "vae": dict(in_channels=4, out_channels=4, latent_channels=8,
                    block_out_channels=(4, 8, 12, 12), layers_per_block=1, norm_num_groups=2,
                    scaling_factor=0.3858790397644043, sample_size=64,
                    mid_block_add_attention=False),
        "text": dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                     num_attention_heads=4, max_position_embeddings=32,
                     hidden_act="quick_gelu"),
        "scheduler": (DDIMScheduler, dict(steps_offset=1, prediction_type="v_prediction",
                                          rescale_betas_zero_snr=True,
                                          timestep_spacing="trailing")),
    },
    # What the formats allow and nobody ships: lists everywhere, odd channel counts, no middle
    # attention, sines first, a frequency shift, other kernel sizes and activations.
    "tiny-odd": {
        "dtype": torch.bfloat16,
        "unet": dict(sample_size=9, in_channels=5, out_channels=5,
                     block_out_channels=(10, 15, 20),
                     down_block_types=("CrossAttnDownBlock2D", "DownBlock2D",
                                       "CrossAttnDownBlock2D"),
                     mid_block_type="UNetMidBlock2D",
                     up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
                     layers_per_block=(1, 2, 1), transformer_layers_per_block=(2, 1, 1),
                     attention_head_dim=(2, 3, 5), norm_num_groups=5, norm_eps=1e-4,
                     cross_attention_dim=18, flip_sin_to_cos=False, freq_shift=1,
                     center_input_sample=True, mid_block_scale_factor=1.5,
                     act_fn="gelu", conv_in_kernel=1,
                     conv_out_kernel=5, time_embedding_dim=36),
        "vae": dict(in_channels=2, out_channels=2, latent_channels=5,
                    block_out_channels=(6, 9, 15), layers_per_block=1, norm_num_groups=3,
                    scaling_factor=0.7, sample_size=36, act_fn="gelu",
                    use_quant_conv=False, use_post_quant_conv=False),
        "text": dict(hidden_size=18, intermediate_size=30, num_hidden_layers=2,
                     num_attention_heads=3, max_position_embeddings=20, hidden_act="gelu",
                     layer_norm_eps=1e-3),
        "scheduler": (EulerDiscreteScheduler, dict(steps_offset=1,
                                                   timestep_spacing="leading")),
    },
}


def byte_alphabet():
    """One printable character for each byte, in the order of CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


def learn_merges(words, count):
    """Byte pair encoding on a list of words: the pairs to merge, most frequent first."""
    spelled = [[*word[:-1], word[-1] + "</w>"] for word in words]
    merges = []
    while len(merges) < count:
        counts = {}
        for word in spelled:
            for pair in zip(word, word[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            break
        best = max(sorted(counts), key=counts.get)
        merges.append(best)
        for index, word in enumerate(spelled):
            joined = []
            for part in word:
                if joined and (joined[-1], part) == best:
                    joined[-1] += part
                else:
                    joined.append(part)
            spelled[index] = joined
    return merges


def write_tokenizer(folder, length, pad_token):
    """A byte-level vocabulary in CLIP's layout; returns its size."""
    os.makedirs(folder, exist_ok=True)
    alphabet = byte_alphabet()
    merges = learn_merges(CORPUS, 60)
    tokens = alphabet + [letter + "</w>" for letter in alphabet]
    for pair in merges:
        tokens.append("".join(pair))
    tokens += [START, END]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as file:
        json.dump(vocabulary, file, ensure_ascii=False)
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n")
        file.writelines(" ".join(pair) + "\n" for pair in merges)
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump({"bos_token": START, "eos_token": END, "pad_token": pad_token,
                   "unk_token": END, "model_max_length": length, "do_lower_case": True,
                   "errors": "replace", "add_prefix_space": False,
                   "tokenizer_class": "CLIPTokenizer"}, file, indent=2)
        file.write("\n")
    with open(os.path.join(folder, "special_tokens_map.json"), "w", encoding="utf-8") as file:
        json.dump({"bos_token": START, "eos_token": END, "pad_token": pad_token,
                   "unk_token": END}, file, indent=2)
        file.write("\n")
    return len(vocabulary)


def randomise(module, seed, dtype):
    """Every parameter random: matrices keep the variance of their input, norms stay near one.
    Rounded to dtype, so that a file in dtype holds exactly what the reference computes with."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            values = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim >= 2 and "embedding.weight" in name:
                values *= 0.7
            elif parameter.ndim >= 2:
                values /= math.sqrt(parameter[0].numel())
            elif "norm" in name and name.endswith("weight"):
                values = 1 + 0.2 * values
            else:
                values *= 0.2
            parameter.copy_(values.to(dtype).float())
    return module.eval()


def components(name, vocabulary_size):
    """text_encoder, unet, vae, scheduler of a model, in float32."""
    model = MODELS[name]
    seed = zlib.crc32(name.encode())
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=vocabulary_size, bos_token_id=vocabulary_size - 2,
        eos_token_id=vocabulary_size - 1, pad_token_id=vocabulary_size - 1, **model["text"]))
    unet = UNet2DConditionModel(**model["unet"])
    levels = len(model["vae"]["block_out_channels"])
    vae = AutoencoderKL(down_block_types=("DownEncoderBlock2D",) * levels,
                        up_block_types=("UpDecoderBlock2D",) * levels, **model["vae"])
    parts = [randomise(part, seed + index, model["dtype"])
             for index, part in enumerate((text, unet, vae))]
    scheduler_class, options = model["scheduler"]
    options = dict(dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012,
                        beta_schedule="scaled_linear"), **options)
    if scheduler_class is DDIMScheduler:
        options["clip_sample"] = False
    return (*parts, scheduler_class(**options))


def build(name, folder):
    """Writes the model as a diffusers folder and returns the float32 pipeline of it."""
    model = MODELS[name]
    tokenizer_folder = os.path.join(folder, "tokenizer")
    size = write_tokenizer(tokenizer_folder, model["text"]["max_position_embeddings"],
                           model.get("pad_token", END))
    text, unet, vae, scheduler = components(name, size)
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=CLIPTokenizer.from_pretrained(tokenizer_folder),
        unet=unet, scheduler=scheduler, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False)
    pipeline.to(model["dtype"]).save_pretrained(folder)
    return pipeline.to(torch.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder to write the models in")
    parser.add_argument("names", nargs="*", default=[], help="which models (all of them)")
    arguments = parser.parse_args()
    for name in arguments.names or MODELS:
        build(name, os.path.join(arguments.out, name))


if __name__ == "__main__":
    main()
