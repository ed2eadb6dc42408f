"""Whole runs with LoRAs that count differently in each block: data/loras/blocks-cases.json and
data/loras/blocks-expected.safetensors. diffusers has no such weights: it loads the LoRA, and each
module's up matrix is then multiplied here, by the published rule of sd-webui-lora-block-weight,
which says by a list's length which blocks of the CompVis layout its numbers are for.

Needs what generate_loras.py and generate_xl_loras.py write.
"""

import argparse
import re

import torch

import generate_loras
import generate_xl_loras
from generate_loras import write_cases
from generate_xl_loras import stored_name

INPUTS = [f"IN{i:02}" for i in range(12)]
OUTPUTS = [f"OUT{i:02}" for i in range(12)]
ALL = ["BASE", *INPUTS, "M00", *OUTPUTS]
LISTS = {
    12: ["BASE", "IN04", "IN05", "IN07", "IN08", "M00", *OUTPUTS[:6]],
    17: ["BASE", "IN01", "IN02", "IN04", "IN05", "IN07", "IN08", "M00", *OUTPUTS[3:]],
    20: ["BASE", *INPUTS[:9], "M00", *OUTPUTS[:9]],
    26: ALL,
}
# The rule's own presets are lists of 17; here they hold for the blocks between as well.
PRESETS = {
    "OUTALL": dict.fromkeys(["BASE", *OUTPUTS], 1.0),
    "MIDD": dict.fromkeys(["BASE", *INPUTS[5:], "M00", *OUTPUTS[:7]], 1.0),
}
# name: (model, file, weight of the denoiser, of the text encoders, blocks)
CASES = {
    "blocks-17": ("tiny-sd1", "locon", 0.9, 0.5,
                  "0.5,1,0,0.25,1,-0.5,0.75,0.1,1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,-0.9"),
    "blocks-26": ("tiny-sd1", "locon", 0.7, 0.7,
                  "1,0.3,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,1.1,0.2,"
                  "1,0.9,0.8,0.7,0.6,0.5,0.4,0.3,0.2,0.1,0,-0.1"),
    "blocks-outall": ("tiny-sd1", "locon", 1.0, 1.0, "OUTALL"),
    "blocks-midd": ("tiny-sd1", "kohya", 0.8, 0.8, "MIDD"),
    "blocks-xl-12": ("tiny-xl", "xl-sgm", 0.9, 0.7, "0.4,1,0.5,0,0.25,-0.5,1,0.75,0.2,0.3,0.6,0.8"),
    "blocks-xl-20": ("tiny-xl", "xl-locon", 0.8, 0.8,
                     "0,0.5,0.1,0.9,0.2,0.8,0.3,0.7,0.4,0.6,1,0.15,0.85,0.25,0.75,0.35,0.65,0.45,"
                     "0.55,1"),
    "blocks-xl-outall": ("tiny-xl", "xl-kohya", 1.0, 1.0, "OUTALL"),
}


def weights_of(text):
    if text in PRESETS:
        return PRESETS[text]
    numbers = [float(part) for part in text.split(",")]
    return dict(zip(LISTS[len(numbers)], numbers))


def block_of(module):
    if module == "conv_in":
        return "IN00"
    stored = stored_name(module)
    found = re.match(r"(input|output)_blocks\.(\d+)\.", stored)
    if not found:
        assert stored.startswith("middle_block."), stored
        return "M00"
    return f"{'IN' if found[1] == 'input' else 'OUT'}{int(found[2]):02}"


def scale_blocks(pipeline, adapter, weights):
    scaled = 0
    for component in ("unet", "text_encoder", "text_encoder_2"):
        module = getattr(pipeline, component, None)
        for name, parameter in module.named_parameters() if module else ():
            if f".lora_B.{adapter}" not in name:
                continue
            block = block_of(name.split(".lora_B.")[0]) if component == "unet" else "BASE"
            with torch.no_grad():
                parameter *= weights.get(block, 0.0)
            scaled += 1
    assert scaled


def run_case(model, file, unet, text, blocks):
    source = generate_xl_loras if model == "tiny-xl" else generate_loras
    pipeline = source.load() if model == "tiny-xl" else source.load(model)
    source.load_lora(pipeline, file, "lora")
    scale_blocks(pipeline, "lora", weights_of(blocks))
    if model == "tiny-xl":
        for component, weight in (("unet", unet), ("text_encoder", text), ("text_encoder_2", text)):
            generate_xl_loras.set_weights_and_activate_adapters(getattr(pipeline, component),
                                                                ["lora"], [weight])
    else:
        pipeline.set_adapters(["lora"], [{"unet": unet, "text_encoder": text}])
    return generate_loras.latents_of(pipeline)


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    expected, cases = {}, []
    for name, (model, file, unet, text, blocks) in CASES.items():
        expected[name] = run_case(model, file, unet, text, blocks)
        whole = run_case(model, file, unet, text, ",".join(["1"] * 26))
        print(f"{name}: largest {expected[name].abs().max():.3f}, differs from all alike by "
              f"{(expected[name] - whole).abs().max():.3f}")
        cases.append({"name": name, "model": model,
                      "loras": [{"file": file, "denoiser": unet, "text": text, "blocks": blocks}]})
    write_cases("blocks-", cases, expected)


if __name__ == "__main__":
    main()
