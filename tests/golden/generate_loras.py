"""LoRAs and their kin for the tiny models, in every layout: data/loras/<name>.safetensors, and
data/loras/cases.json with the runs that use them; data/loras/expected.safetensors holds their final
latents, data/loras/merged.safetensors weights with a change merged in.

Who says what is right: diffusers' load_lora_weights for LoRA, LoCon and DoRA (it converts kohya's
names itself), peft's own layers for LoHa, LoKr and IA3, and for what only LyCORIS has (Tucker form,
DoRA along the input, differences, IA3 less one, GLoRA, OFT) the published formulas in double precision below.

Needs the models of generate_models.py in data, and peft.
"""

import argparse
import json
import os

import numpy as np
import peft
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file

from generate_schedulers import make
from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
STEPS = 4
PROMPT = "a photo of a red apple, 3d emoji"
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj",
             "ff.net.2")
CONVOLUTIONS = ("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "conv_in")
TEXT = ("q_proj", "v_proj", "out_proj", "fc1")


def load(model):
    pipeline = StableDiffusionPipeline.from_pretrained(os.path.join(DATA, model),
                                                       torch_dtype=torch.float32,
                                                       safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(DATA, model, "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make("euler", json.load(file), "normal", STEPS)
    return pipeline


def modules(component, endings):
    for name, module in component.named_modules():
        if name.endswith(endings) and isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)):
            yield name, module


def draw(generator, *shape, size=1.0):
    return torch.randn(shape, generator=generator) * size


class Writer:
    """Tensors of one file, drawn in turn from one generator."""

    def __init__(self, seed):
        self.tensors = {}
        self.generator = torch.Generator().manual_seed(seed)

    def add(self, name, *shape, size=0.3):
        self.tensors[name] = draw(self.generator, *shape, size=size).contiguous()
        return self.tensors[name]

    def pair(self, down, up, module, rank):
        weight = module.weight
        if weight.ndim == 4:
            self.add(down, rank, weight.shape[1], *weight.shape[2:])
            self.add(up, weight.shape[0], rank, 1, 1)
        else:
            self.add(down, rank, weight.shape[1])
            self.add(up, weight.shape[0], rank)

    def save(self, name, metadata=None):
        path = os.path.join(DATA, "loras", name + ".safetensors")
        save_file({k: v.half() if v.ndim > 1 else v for k, v in self.tensors.items()}, path,
                  metadata=metadata)
        os.chmod(path, 0o644)


def text_names(component):
    """As files have them: with "text_model.", which newer versions of transformers leave out."""
    for name, module in modules(component, TEXT):
        yield name if name.startswith("text_model.") else "text_model." + name, module


def write_peft(pipeline):
    """diffusers' own: alpha and rank stabilisation in the metadata."""
    writer = Writer(1)
    for name, module in modules(pipeline.unet, ATTENTION):
        writer.pair(f"unet.{name}.lora_A.weight", f"unet.{name}.lora_B.weight", module, 3)
    for name, module in text_names(pipeline.text_encoder):
        prefix = f"text_encoder.{name}"
        writer.pair(f"{prefix}.lora_A.weight", f"{prefix}.lora_B.weight", module, 2)
    config = {"peft_type": "LORA", "r": 3, "lora_alpha": 2, "use_rslora": True,
              "target_modules": sorted(ATTENTION), "lora_dropout": 0.0, "bias": "none",
              "alpha_pattern": {}, "rank_pattern": {}, "use_dora": False}
    metadata = {f"unet.{key}": value for key, value in config.items()}
    config.update(r=2, lora_alpha=3, use_rslora=False, target_modules=sorted(TEXT))
    metadata.update({f"text_encoder.{key}": value for key, value in config.items()})
    writer.save("peft", {"lora_adapter_metadata": json.dumps(metadata)})


def write_old_diffusers(pipeline):
    writer = Writer(2)
    for name, module in modules(pipeline.unet, ("to_q", "to_v", "to_out.0")):
        processor, _, projection = name.replace("to_out.0", "to_out").rpartition(".")
        stem = f"unet.{processor}.processor.{projection}_lora"
        writer.pair(f"{stem}.down.weight", f"{stem}.up.weight", module, 2)
    for name, module in text_names(pipeline.text_encoder):
        stem = f"text_encoder.{name}.lora_linear_layer"
        writer.pair(f"{stem}.down.weight", f"{stem}.up.weight", module, 2)
    writer.save("old-diffusers")


def flat(name):
    return name.replace(".", "_")


def write_kohya(pipeline, name, seed, endings):
    writer = Writer(seed)
    parts = [("lora_unet_", *named) for named in modules(pipeline.unet, endings)]
    parts += [("lora_te_", *named) for named in text_names(pipeline.text_encoder)]
    for index, (prefix, module_name, module) in enumerate(parts):
        stem = prefix + flat(module_name)
        writer.pair(f"{stem}.lora_down.weight", f"{stem}.lora_up.weight", module, 2 + index % 3)
        # One for all: diffusers 0.42 takes the most frequent alpha for every module of a kohya file.
        writer.tensors[f"{stem}.alpha"] = torch.tensor(1.5)
    writer.save(name)


def write_peft_dora(pipeline):
    writer = Writer(6)
    for name, module in modules(pipeline.unet, ("to_q", "to_v", "ff.net.2")):
        writer.pair(f"unet.{name}.lora_A.weight", f"unet.{name}.lora_B.weight", module, 2)
        norm = module.weight.detach().flatten(1).norm(dim=1)
        writer.tensors[f"unet.{name}.lora_magnitude_vector"] = \
            norm * (1 + 0.2 * draw(writer.generator, len(norm)))
    writer.save("peft-dora")


def latents_of(pipeline):
    with torch.no_grad():
        return pipeline(PROMPT, negative_prompt="blurry", num_inference_steps=STEPS,
                        guidance_scale=5.0, output_type="latent",
                        generator=torch.Generator("cpu").manual_seed(7)).images.contiguous()


# case: (model, [(file, weight of the denoiser, weight of the text encoder)])
CASES = {
    "none": ("tiny-sd1", []),
    "peft": ("tiny-sd1", [("peft", 0.8, 0.8)]),
    "peft-apart": ("tiny-sd1", [("peft", 0.5, 1.5)]),
    "old-diffusers": ("tiny-sd1", [("old-diffusers", 1.0, 1.0)]),
    "kohya": ("tiny-sd1", [("kohya", 1.0, 1.0)]),
    "locon": ("tiny-sd1", [("locon", 0.7, 0.7)]),
    "peft-dora": ("tiny-sd1", [("peft-dora", 1.0, 1.0)]),
    "peft-dora-weaker": ("tiny-sd1", [("peft-dora", 0.6, 0.6)]),
    "three": ("tiny-sd1", [("peft", 0.5, 0.5), ("kohya", -0.4, -0.4), ("locon", 0.3, 0.3)]),
    "linear-projections": ("tiny-sd2v", [("sd2v-kohya", 0.9, 0.9)]),
}


def load_lora(pipeline, file, adapter):
    """load_lora_weights in its steps: newer text encoders have no "text_model.", and diffusers'
    own names for them still do."""
    def own(name):
        return name.replace("text_encoder.text_model.", "text_encoder.")

    state, alphas, metadata = pipeline.lora_state_dict(
        os.path.join(DATA, "loras"), weight_name=file + ".safetensors",
        unet_config=pipeline.unet.config, return_lora_metadata=True)
    state = {own(name): value for name, value in state.items()}
    alphas = {own(name): value for name, value in alphas.items()} if alphas else alphas
    pipeline.load_lora_into_unet(state, network_alphas=alphas, unet=pipeline.unet,
                                 adapter_name=adapter, metadata=metadata, _pipeline=pipeline)
    if any(name.startswith("text_encoder.") for name in state):
        pipeline.load_lora_into_text_encoder(
            state, network_alphas=alphas, text_encoder=pipeline.text_encoder, lora_scale=1.0,
            adapter_name=adapter, metadata=metadata, _pipeline=pipeline)
        applied = [name for name, _ in pipeline.text_encoder.named_parameters()
                   if f"lora_A.{adapter}" in name]
        downs = [name for name in state if name.startswith("text_encoder.")
                 and (".lora_A." in name or ".down." in name)]
        assert len(applied) == len(downs) > 0, (file, len(applied), len(downs))


def run_case(model, loras):
    pipeline = load(model)
    names = []
    for index, (file, _, _) in enumerate(loras):
        names.append(f"lora{index}")
        load_lora(pipeline, file, names[-1])
    if names:
        pipeline.set_adapters(names, [{"unet": unet, "text_encoder": text}
                                      for _, unet, text in loras])
    return latents_of(pipeline)


# ---- what diffusers does not load: single weights, merged by peft or by the published formula

def merged_by_peft(config, module, randomise):
    """The weight of a copy of the module with the adapter merged in, and the adapter's tensors."""
    holder = torch.nn.Sequential()
    holder.add_module("target", module)
    model = peft.get_peft_model(holder, config)
    tensors = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            with torch.no_grad():
                parameter.copy_(randomise(parameter.shape))
            tensors[name.split("target.")[1].replace(".default", "")] = parameter.detach().clone()
    merged = model.merge_and_unload().target
    return merged, tensors


def copy_of(module):
    import copy
    return copy.deepcopy(module)


def write_by_peft(unet, merged):
    """LoHa, LoKr and IA3 by peft's layers, under LyCORIS's names (IA3: under peft's own)."""
    linear = dict(unet.named_modules())["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"]
    conv = dict(unet.named_modules())["down_blocks.0.resnets.0.conv1"]
    gated = dict(unet.named_modules())["mid_block.attentions.0.transformer_blocks.0.ff.net.2"]
    places = {"down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k": linear,
              "down_blocks.0.resnets.0.conv1": conv,
              "mid_block.attentions.0.transformer_blocks.0.ff.net.2": gated}
    configs = {
        "loha": peft.LoHaConfig(r=3, alpha=3, target_modules=["target"], init_weights=False),
        "loha-tucker": peft.LoHaConfig(r=3, alpha=3, target_modules=["target"],
                                       use_effective_conv2d=True, init_weights=False),
        "lokr": peft.LoKrConfig(r=2, alpha=2, target_modules=["target"], init_weights=False,
                                decompose_both=True, decompose_factor=2),
        "lokr-tucker": peft.LoKrConfig(r=1, alpha=1, target_modules=["target"],
                                       use_effective_conv2d=True, init_weights=False,
                                       decompose_factor=2),
        "ia3": peft.IA3Config(target_modules=["target"], feedforward_modules=[]),
        "ia3-input": peft.IA3Config(target_modules=["target"], feedforward_modules=["target"]),
    }
    for seed, (kind, config) in enumerate(configs.items()):
        writer = Writer(100 + seed)
        for place, module in places.items():
            if "tucker" in kind and not isinstance(module, torch.nn.Conv2d):
                continue
            if kind == "ia3" and isinstance(module, torch.nn.Conv2d):
                continue  # peft's factor of a convolution's output is [1, out, 1, 1]: see below
            ones = 1.0 if kind.startswith("ia3") else 0.0
            result, tensors = merged_by_peft(
                config, copy_of(module),
                lambda shape: ones + draw(writer.generator, *shape, size=0.4))
            for name, value in tensors.items():
                stem = f"base_model.model.{place}" if ones else "lora_unet_" + flat(place)
                writer.tensors[f"{stem}.{name}"] = value
            merged[f"{kind}/{place}.weight"] = result.weight.detach().clone()
            if kind == "ia3" and result.bias is not None:
                merged[f"{kind}/{place}.bias"] = result.bias.detach().clone()
        path = os.path.join(DATA, "loras", kind + ".safetensors")
        save_file({k: v.contiguous() for k, v in writer.tensors.items()}, path)
        os.chmod(path, 0o644)


def write_by_formula(unet, merged):
    """What only LyCORIS has, in double precision from its published formulas."""
    named = dict(unet.named_modules())
    conv_name, norm_name = "down_blocks.1.resnets.0.conv1", "mid_block.resnets.0.norm1"
    linear_name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0"
    conv = named[conv_name].weight.detach().double().numpy()
    linear = named[linear_name].weight.detach().double().numpy()
    writer = Writer(200)
    strength = 0.75

    def stem(name):
        return "lora_unet_" + flat(name)

    def values(name, *shape):
        return writer.add(name, *shape).double().numpy()

    # LoCon in Tucker form: up, a small convolution, down.
    out, inputs, height, width = conv.shape
    down = values(f"{stem(conv_name)}.lora_down.weight", 2, inputs, 1, 1)[:, :, 0, 0]
    up = values(f"{stem(conv_name)}.lora_up.weight", out, 2, 1, 1)[:, :, 0, 0]
    middle = values(f"{stem(conv_name)}.lora_mid.weight", 2, 2, height, width)
    writer.tensors[f"{stem(conv_name)}.alpha"] = torch.tensor(1.0)
    delta = np.einsum("ijkl,pi,jr->prkl", middle, up, down) / 2
    merged[f"lycoris/{conv_name}.weight"] = conv + strength * delta

    # DoRA along the input: the length of each column over all outputs.
    down = values(f"{stem(linear_name)}.lora_down.weight", 3, linear.shape[1])
    up = values(f"{stem(linear_name)}.lora_up.weight", linear.shape[0], 3)
    writer.tensors[f"{stem(linear_name)}.alpha"] = torch.tensor(1.5)
    length = np.abs(values(f"{stem(linear_name)}.dora_scale", 1, linear.shape[1])) + 0.5
    writer.tensors[f"{stem(linear_name)}.dora_scale"] = torch.tensor(length).float()
    both = linear + strength * 0.5 * up @ down
    merged[f"lycoris/{linear_name}.weight"] = \
        both / np.linalg.norm(both, axis=0, keepdims=True) * length

    # DoRA along the output, of a convolution: diffusers does not read LyCORIS's shape of that.
    place = "down_blocks.1.resnets.1.conv1"
    weight = named[place].weight.detach().double().numpy()
    rows = weight.reshape(weight.shape[0], -1)
    down = values(f"{stem(place)}.lora_down.weight", 2, *weight.shape[1:]).reshape(2, -1)
    up = values(f"{stem(place)}.lora_up.weight", weight.shape[0], 2, 1, 1)[:, :, 0, 0]
    length = np.abs(values(f"{stem(place)}.dora_scale", weight.shape[0], 1, 1, 1)) + 0.5
    writer.tensors[f"{stem(place)}.dora_scale"] = torch.tensor(length).float()
    both = rows + strength * up @ down
    both = both / np.linalg.norm(both, axis=1, keepdims=True) * length.reshape(-1, 1)
    merged[f"lycoris/{place}.weight"] = both.reshape(weight.shape)

    # Differences of a norm's weight and bias.
    norm = named[norm_name]
    for kind, ending in (("weight", "w_norm"), ("bias", "b_norm")):
        own = getattr(norm, kind).detach().double().numpy()
        difference = values(f"{stem(norm_name)}.{ending}", len(own))
        merged[f"lycoris/{norm_name}.{kind}"] = own + strength * difference

    # IA3 as LyCORIS stores it: the factor less one, along the output or the input.
    for place, on_input in (("down_blocks.0.resnets.0.conv2", False),
                            ("down_blocks.0.resnets.1.conv1", True)):
        weight = named[place].weight.detach().double().numpy()
        count = weight.shape[1 if on_input else 0]
        factor = values(f"{stem(place)}.weight", count)
        writer.tensors[f"{stem(place)}.on_input"] = torch.tensor(on_input)
        factor = factor.reshape((1, -1, 1, 1) if on_input else (-1, 1, 1, 1))
        merged[f"lycoris/{place}.weight"] = weight * (1 + strength * factor)

    # LoKr of two whole matrices: there is no rank, and alpha says nothing.
    place = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    weight = named[place].weight.detach().double().numpy()
    first = values(f"{stem(place)}.lokr_w1", 2, 4)
    second = values(f"{stem(place)}.lokr_w2", weight.shape[0] // 2, weight.shape[1] // 4)
    writer.tensors[f"{stem(place)}.alpha"] = torch.tensor(1e10)
    merged[f"lycoris/{place}.weight"] = weight + strength * np.kron(first, second)
    path = os.path.join(DATA, "loras", "lycoris.safetensors")
    save_file({k: v.contiguous() for k, v in writer.tensors.items()}, path)
    os.chmod(path, 0o644)


def write_lycoris_only(unet, merged):
    """GLoRA (under LyCORIS's names of today and, in glora-old, with 1 and 2 the other way round; a
    Tucker form in glora) and OFT, in double precision from the published formulas. peft's adapters
    of these names are others: they are stored and computed otherwise. strength is 0.75."""
    named, strength, rank, alpha = dict(unet.named_modules()), 0.75, 3, 1.5
    places = ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k",  # not square
              "mid_block.attentions.0.proj_in",  # a convolution of one position
              "down_blocks.1.resnets.0.conv1")
    for kind, tucker in (("glora", True), ("glora-old", False)):
        writer = Writer(300)
        names = ("a1", "a2", "b1", "b2") if kind == "glora" else ("a2", "a1", "b2", "b1")
        for place in places:
            weight = named[place].weight.detach().double()
            out, inputs, *window = weight.shape
            ones, stem = [1] * len(window), "lora_unet_" + flat(place)
            middle = tucker and window == [3, 3]
            shapes = ((inputs, rank, *ones), (rank, inputs, *ones), (out, rank, *ones),
                      (rank, inputs, *(ones if middle else window)))
            a1, a2, b1, b2 = (writer.add(f"{stem}.{name}.weight", *shape).double()
                              for name, shape in zip(names, shapes))
            writer.tensors[f"{stem}.alpha"] = torch.tensor(alpha)
            a = a1.reshape(inputs, rank) @ a2.reshape(rank, inputs)
            if middle:
                core = writer.add(f"{stem}.bm.weight", rank, rank, *window).double()
                b = torch.einsum("pi,ijkl,jr->prkl", b1.flatten(1), core, b2.flatten(1))
            else:
                b = (b1.reshape(out, rank) @ b2.reshape(rank, -1)).reshape(weight.shape)
            delta = torch.einsum("oi...,ij->oj...", weight, a) + b
            merged[f"{kind}/{place}.weight"] = weight + strength * alpha / rank * delta
        save_tensors(kind, writer.tensors)

    writer = Writer(310)
    for place, side, limit in ((places[0], 4, 0.0), (places[1], 2, 0.05), (places[2], 8, 0.0)):
        weight = named[place].weight.detach().double()
        out, stem = weight.shape[0], "lora_unet_" + flat(place)
        b = writer.add(f"{stem}.oft_blocks", out // side, side, side).double()
        writer.tensors[f"{stem}.alpha"] = torch.tensor(limit)
        q = b - b.transpose(1, 2)
        if limit:
            assert q.norm() > limit * out
            q = q * (limit * out / (q.norm() + 1e-8))
        one = torch.eye(side, dtype=torch.float64)
        turned = (one + q) @ torch.linalg.inv(one - q)
        assert torch.allclose(turned @ turned.transpose(1, 2), one.expand_as(turned))
        turned = strength * turned + (1 - strength) * one
        result = torch.einsum("knm,kn...->km...", turned,
                              weight.reshape(out // side, side, *weight.shape[1:]))
        result = result.reshape(weight.shape)
        if side == 8:
            ones = [1] * (weight.ndim - 1)
            result = result * (1 + writer.add(f"{stem}.rescale", out, *ones).double())
            writer.tensors[f"{stem}.rescale"] += 1
        merged[f"oft/{place}.weight"] = result
    save_tensors("oft", writer.tensors)


def save_tensors(name, tensors):
    path = os.path.join(DATA, "loras", name + ".safetensors")
    save_file({k: v.contiguous() for k, v in tensors.items()}, path)
    os.chmod(path, 0o644)


def write_cases(prefix, cases, expected):
    """The runs with LoRAs, and the final latents of each, for the tests."""
    folder = os.path.join(DATA, "loras")
    with open(os.path.join(folder, prefix + "cases.json"), "w", encoding="utf-8") as file:
        json.dump({"prompt": PROMPT, "negative": "blurry", "steps": STEPS, "cfg": 5.0, "seed": 7,
                   "sampler": "euler", "cases": cases}, file, indent=1)
        file.write("\n")
    path = os.path.join(folder, prefix + "expected.safetensors")
    save_file(expected, path)
    os.chmod(path, 0o644)


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    os.makedirs(os.path.join(DATA, "loras"), exist_ok=True)
    pipeline = load("tiny-sd1")
    write_peft(pipeline)
    write_old_diffusers(pipeline)
    write_kohya(pipeline, "kohya", 3, ATTENTION)
    write_kohya(pipeline, "locon", 4, ATTENTION + CONVOLUTIONS)
    write_peft_dora(pipeline)
    write_kohya(load("tiny-sd2v"), "sd2v-kohya", 7, ATTENTION)
    merged = {}
    write_by_peft(load("tiny-sd1").unet, merged)
    write_by_formula(load("tiny-sd1").unet, merged)
    write_lycoris_only(load("tiny-sd1").unet, merged)
    expected, cases = {}, []
    for name, (model, loras) in CASES.items():
        expected[name] = run_case(model, loras)
        print(f"{name}: largest {expected[name].abs().max():.3f}, differs from none by "
              f"{(expected[name] - expected['none']).abs().max() if expected[name].shape == expected['none'].shape else 0:.3f}")
        cases.append({"name": name, "model": model,
                      "loras": [{"file": file, "denoiser": unet, "text": text}
                                for file, unet, text in loras]})
    write_cases("", cases, expected)
    folder = os.path.join(DATA, "loras")
    save_file({k: (torch.from_numpy(v) if isinstance(v, np.ndarray) else v).float().contiguous()
               for k, v in merged.items()}, os.path.join(folder, "merged.safetensors"))
    os.chmod(os.path.join(folder, "merged.safetensors"), 0o644)
    write_versions(folder, ["torch", "diffusers", "transformers", "peft", "numpy", "safetensors"])


if __name__ == "__main__":
    main()
