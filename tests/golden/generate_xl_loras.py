"""LoRAs for the tiny XL model, with both text encoders: data/loras/xl-<name>.safetensors,
data/loras/xl-cases.json with the runs that use them, and data/loras/xl-expected.safetensors with
their final latents, by diffusers' load_lora_weights in its steps.

Needs the models of generate_xl.py in data, and peft.
"""

import argparse
import json
import os
import re

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils.peft_utils import set_weights_and_activate_adapters
from safetensors.torch import load_file

from generate_loras import (ATTENTION, DATA, PROMPT, STEPS, TEXT, Writer, draw, flat, modules,
                            write_cases)
from generate_schedulers import make

MODEL = "tiny-xl"
ENCODERS = ("text_encoder", "text_encoder_2")
CONVOLUTIONS = ("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv")


def load():
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        os.path.join(DATA, MODEL), torch_dtype=torch.float32, add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(DATA, MODEL, "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make("euler", json.load(file), "normal", STEPS)
    return pipeline


def text_modules(pipeline):
    """As files name them, with "text_model."."""
    for component in ENCODERS:
        for name, module in modules(getattr(pipeline, component), TEXT):
            yield component, ("" if name.startswith("text_model.") else "text_model.") + name, module


def stored_name(name):
    """A module of the denoiser as the first code of XL has it, which trainers keep: blocks are
    counted through. Three for each level: two layers, and what changes the size."""
    count = 3

    def blocks(kind, level, part, index, rest):
        resizes = part in ("downsamplers", "upsamplers")
        place = 0 if part in ("resnets", "downsamplers") else 1
        if kind == "down":
            number = level * count + (count if resizes else index + 1)
            return f"input_blocks.{number}.{place}.{'op' if resizes else rest}"
        number = level * count + (2 if resizes else index)
        if resizes:
            place = 2 if level < 2 else 1
        return f"output_blocks.{number}.{place}.{'conv' if resizes else rest}"

    own = {"conv1": "in_layers.2", "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
           "time_emb_proj": "emb_layers.1"}
    found = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", name)
    if found:
        kind, level, part, index, rest = found.groups()
        return blocks(kind, int(level), part, int(index), own.get(rest, rest))
    found = re.fullmatch(r"mid_block\.(\w+)\.(\d+)\.(.+)", name)
    part, index, rest = found.groups()
    place = 1 if part == "attentions" else 2 * int(index)
    return f"middle_block.{place}.{own.get(rest, rest)}"


def write_peft(pipeline):
    writer = Writer(31)
    for name, module in modules(pipeline.unet, ATTENTION):
        writer.pair(f"unet.{name}.lora_A.weight", f"unet.{name}.lora_B.weight", module, 2)
    for component, name, module in text_modules(pipeline):
        writer.pair(f"{component}.{name}.lora_A.weight", f"{component}.{name}.lora_B.weight",
                    module, 2)
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 3, "use_rslora": False,
              "target_modules": sorted(ATTENTION), "lora_dropout": 0.0, "bias": "none",
              "alpha_pattern": {}, "rank_pattern": {}, "use_dora": False}
    metadata = {f"unet.{key}": value for key, value in config.items()}
    for component, alpha in (("text_encoder", 1), ("text_encoder_2", 2)):
        config.update(lora_alpha=alpha, target_modules=sorted(TEXT))
        metadata.update({f"{component}.{key}": value for key, value in config.items()})
    writer.save("xl-peft", {"lora_adapter_metadata": json.dumps(metadata)})


def kohya_stems(pipeline, endings, name_of):
    for name, module in modules(pipeline.unet, endings):
        if "." in name:  # conv_in and its like are no blocks
            yield "lora_unet_" + flat(name_of(name)), module
    for component, name, module in text_modules(pipeline):
        yield f"lora_te{1 + ENCODERS.index(component)}_" + flat(name), module


def write_kohya(pipeline, name, seed, endings, name_of=lambda name: name):
    writer = Writer(seed)
    for index, (stem, module) in enumerate(kohya_stems(pipeline, endings, name_of)):
        writer.pair(f"{stem}.lora_down.weight", f"{stem}.lora_up.weight", module, 1 + index % 3)
        # One for all: diffusers takes the most frequent alpha for every module of such a file.
        writer.tensors[f"{stem}.alpha"] = torch.tensor(1.5)
    writer.save(name)


def dora_modules(pipeline):
    return modules(pipeline.unet, ("to_q", "to_v", "ff.net.2"))


def write_dora(pipeline):
    """As LyCORIS stores it: lengths of rows, [out, 1]."""
    writer = Writer(35)
    for name, module in dora_modules(pipeline):
        stem = "lora_unet_" + flat(stored_name(name))
        writer.pair(f"{stem}.lora_down.weight", f"{stem}.lora_up.weight", module, 2)
        writer.tensors[f"{stem}.alpha"] = torch.tensor(1.0)
        norm = module.weight.detach().flatten(1).norm(dim=1)
        writer.tensors[f"{stem}.dora_scale"] = \
            (norm * (1 + 0.2 * draw(writer.generator, len(norm)))).reshape(-1, 1)
    writer.save("xl-dora")


def load_dora(pipeline, adapter):
    """diffusers leaves lengths under LyCORIS's name out: it gets the same numbers under PEFT's."""
    stored = load_file(os.path.join(DATA, "loras", "xl-dora.safetensors"))
    state = {}
    for name, _ in dora_modules(pipeline):
        stem = "lora_unet_" + flat(stored_name(name))
        down = stored[f"{stem}.lora_down.weight"].float()
        scale = stored[f"{stem}.alpha"].float() / len(down)
        state |= {f"unet.{name}.lora_A.weight": down,
                  f"unet.{name}.lora_B.weight": stored[f"{stem}.lora_up.weight"].float() * scale,
                  f"unet.{name}.lora_magnitude_vector":
                      stored[f"{stem}.dora_scale"].float().flatten()}
    pipeline.load_lora_into_unet(state, network_alphas=None, unet=pipeline.unet,
                                 adapter_name=adapter, _pipeline=pipeline)
    lengths = [value for name, value in pipeline.unet.named_parameters()
               if "magnitude_vector" in name]
    assert len(lengths) * 3 == len(state)


# case: [(file, weight of the denoiser, of the text encoders)]
CASES = {
    "xl-none": [],
    "xl-peft": [("xl-peft", 0.8, 0.8)],
    "xl-peft-apart": [("xl-peft", 1.2, 0.3)],
    "xl-kohya": [("xl-kohya", 1.0, 1.0)],
    "xl-sgm": [("xl-sgm", 0.9, 0.9)],
    "xl-locon": [("xl-locon", 0.6, 0.6)],
    "xl-dora": [("xl-dora", 1.0, 1.0)],
    "xl-dora-weaker": [("xl-dora", 0.5, 0.5)],
    "xl-three": [("xl-peft", 0.5, 0.5), ("xl-sgm", -0.4, -0.4), ("xl-locon", 0.3, 0.3)],
}


def load_lora(pipeline, file, adapter):
    """load_lora_weights in its steps: the newer first text encoder has no "text_model.", diffusers'
    names still do."""
    if file == "xl-dora":
        load_dora(pipeline, adapter)
        return
    state, alphas, metadata = pipeline.lora_state_dict(
        os.path.join(DATA, "loras"), weight_name=file + ".safetensors",
        unet_config=pipeline.unet.config, return_lora_metadata=True)

    def own(name):
        return name.replace("text_encoder.text_model.", "text_encoder.")

    state = {own(name): value for name, value in state.items()}
    alphas = {own(name): value for name, value in alphas.items()} if alphas else alphas
    pipeline.load_lora_into_unet(state, network_alphas=alphas, unet=pipeline.unet,
                                 adapter_name=adapter, metadata=metadata, _pipeline=pipeline)
    checked = [("unet", pipeline.unet)]
    for component in ENCODERS:
        encoder = getattr(pipeline, component)
        if any(name.startswith(component + ".") for name in state):
            pipeline.load_lora_into_text_encoder(
                state, network_alphas=alphas, text_encoder=encoder, prefix=component,
                lora_scale=1.0, adapter_name=adapter, metadata=metadata, _pipeline=pipeline)
            checked.append((component, encoder))
    for component, module in checked:
        applied = [name for name, value in module.named_parameters()
                   if f"lora_B.{adapter}" in name and value.abs().max() > 0]
        downs = [name for name in state if name.startswith(component + ".")
                 and (".lora_A." in name or ".down." in name)]
        assert len(applied) == len(downs) > 0, (file, component, len(applied), len(downs))


def run_case(loras):
    pipeline = load()
    names = [f"lora{index}" for index in range(len(loras))]
    for name, (file, _, _) in zip(names, loras):
        load_lora(pipeline, file, name)
    for component, column in (("unet", 1), ("text_encoder", 2), ("text_encoder_2", 2)):
        module = getattr(pipeline, component)
        has = set(getattr(module, "peft_config", {}))
        used = [(name, lora[column]) for name, lora in zip(names, loras) if name in has]
        if used:
            set_weights_and_activate_adapters(module, [name for name, _ in used],
                                              [weight for _, weight in used])
    with torch.no_grad():
        return pipeline(PROMPT, negative_prompt="blurry", num_inference_steps=STEPS,
                        guidance_scale=5.0, output_type="latent",
                        generator=torch.Generator("cpu").manual_seed(7)).images.contiguous()


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    pipeline = load()
    write_peft(pipeline)
    write_kohya(pipeline, "xl-kohya", 32, ATTENTION)
    write_kohya(pipeline, "xl-sgm", 33, ATTENTION, stored_name)
    write_kohya(pipeline, "xl-locon", 34, ATTENTION + CONVOLUTIONS, stored_name)
    write_dora(pipeline)
    expected, cases = {}, []
    for name, loras in CASES.items():
        expected[name] = run_case(loras)
        print(f"{name}: largest {expected[name].abs().max():.3f}, differs from none by "
              f"{(expected[name] - expected['xl-none']).abs().max():.3f}")
        cases.append({"name": name, "model": MODEL,
                      "loras": [{"file": file, "denoiser": unet, "text": text}
                                for file, unet, text in loras]})
    write_cases("xl-", cases, expected)


if __name__ == "__main__":
    main()
