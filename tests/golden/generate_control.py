"""Runs that pictures steer: data/control/<case>.json and .safetensors (README.md), the nets that do so in
data/control/nets (tiny ControlNets and T2I-Adapters with random weights, as diffusers folders and, where they end in
.safetensors, in the layout of their first authors), and the pictures.

Needs the models of generate_models.py and generate_xl.py in data.
"""

import argparse
import json
import os

import torch
from diffusers import (ControlNetModel, MultiAdapter, StableDiffusionAdapterPipeline,
                       StableDiffusionControlNetImg2ImgPipeline,
                       StableDiffusionControlNetInpaintPipeline, StableDiffusionControlNetPipeline,
                       StableDiffusionPipeline, StableDiffusionXLAdapterPipeline,
                       StableDiffusionXLControlNetPipeline, StableDiffusionXLPipeline, T2IAdapter)
from safetensors.torch import load_file, save_file

from generate_checkpoints import unet_names
from generate_from_picture import make_pictures
from generate_pipelines import APPLE, DATA, ROOT, load
from generate_schedulers import make
from tiny_models import randomise
from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
PLAIN, CROSS = "DownBlock2D", "CrossAttnDownBlock2D"
OWN = "conditioning_embedding_out_channels"

# What a ControlNet has from the denoiser that it steers.
SHARED = ("act_fn", "addition_embed_type", "addition_time_embed_dim", "attention_head_dim",
          "block_out_channels", "cross_attention_dim", "down_block_types", "flip_sin_to_cos",
          "freq_shift", "in_channels", "layers_per_block", "norm_num_groups",
          "projection_class_embeddings_input_dim", "transformer_layers_per_block",
          "use_linear_projection")

# name: (model, dtype, what is its own)
CONTROLS = {
    "control-sd1": ("tiny-sd1", torch.float32, {OWN: (3, 5, 6, 7)}),
    "control-bgr": ("tiny-sd1", torch.float16, {OWN: (2, 4, 8, 4),
                                                "controlnet_conditioning_channel_order": "bgr"}),
    "control-pool": ("tiny-sd2v", torch.float16, {OWN: (4, 6, 5), "global_pool_conditions": True}),
    "control-xl": ("tiny-xl", torch.float16, {OWN: (5, 4, 6)}),
    # As the small ones for SDXL: without attention.
    "control-xl-small": ("tiny-xl", torch.float16,
                         {OWN: (4, 4, 4), "down_block_types": (PLAIN,) * 3,
                          "mid_block_type": "UNetMidBlock2D"}),
}
ADAPTERS = {
    "adapter-sd1": (torch.float16, dict(channels=[4, 8, 8, 8], num_res_blocks=2)),
    "adapter-gray": (torch.float16, dict(in_channels=1, channels=[4, 8, 8, 8], num_res_blocks=1)),
    "adapter-sd2v": (torch.float32, dict(channels=[8, 16, 16], num_res_blocks=3,
                                         downscale_factor=4)),
    "adapter-xl": (torch.float16, dict(channels=[4, 8, 12, 12], downscale_factor=8,
                                       adapter_type="full_adapter_xl")),
    "adapter-light": (torch.float16, dict(channels=[4, 8, 8], num_res_blocks=3,
                                          adapter_type="light_adapter")),
}

WINDOWS = dict(width=96, height=80, denoiseTile=64, denoiseStride=24)

# name: (model, request); its files are those above, its pictures those of make_control_pictures.
CASES = {
    "sd1": ("tiny-sd1", dict(control=["control-sd1"], sampler="euler", cfg=5.0, negative="cat")),
    "sd1-weight": ("tiny-sd1", dict(control=["control-sd1:0.35"], sampler="euler", cfg=4.0, count=2,
                                    width=40, height=56)),
    "sd1-stretch": ("tiny-sd1", dict(control=["control-sd1:1.5:0.2:0.7"], sampler="dpmpp_2m",
                                     steps=9, cfg=6.0)),
    "sd1-heun": ("tiny-sd1", dict(control=["control-sd1:0.8:0:0.5"], sampler="heun", steps=5,
                                  cfg=4.0)),
    "sd1-unguided": ("tiny-sd1", dict(control=["control-sd1:0.9"], sampler="euler_a", cfg=1.0)),
    "sd1-guess": ("tiny-sd1", dict(control=["control-sd1"], sampler="euler", cfg=3.0, prompt="",
                                   controlGuess="on")),
    "sd1-guess-unguided": ("tiny-sd1", dict(control=["control-sd1"], sampler="ddim", cfg=1.0,
                                            controlGuess="on")),
    "sd1-bgr": ("tiny-sd1", dict(control=["control-bgr:0.7"], sampler="euler", cfg=5.0)),
    "sd1-two": ("tiny-sd1", dict(control=["control-sd1:0.8", "control-bgr:0.6:0.3:1"],
                                 sampler="unipc", cfg=5.0, width=48)),
    "sd1-two-guess": ("tiny-sd1", dict(control=["control-bgr:0.5:0:0.8", "control-sd1:1.2"],
                                       sampler="euler", cfg=5.0, controlGuess="on")),
    "sd1-image": ("tiny-sd1", dict(control=["control-sd1:0.9:0:0.75"], sampler="euler", steps=8,
                                   cfg=5.0, strength=0.6, init="other")),
    "sd1-inpaint": ("tiny-sd1", dict(control=["control-sd1:0.9"], sampler="ddim", steps=6, cfg=5.0,
                                     strength=0.8, init="other", mask="mask")),
    "sd2v-pool": ("tiny-sd2v", dict(control=["control-pool:0.8"], cfg=4.0)),
    "xl": ("tiny-xl", dict(control=["control-xl:0.8"], cfg=5.0, width=48, height=48)),
    "xl-guess-stretch": ("tiny-xl", dict(control=["control-xl:1.1:0.1:0.9"], sampler="dpmpp_2m", cfg=4.0,
                                         width=48, height=32, controlGuess="on", negative="blurry")),
    "xl-two": ("tiny-xl", dict(control=["control-xl:0.5", "control-xl-small:0.7:0:0.6"], cfg=5.0,
                               width=40, height=48)),
    "adapter-sd1": ("tiny-sd1", dict(adapter=["adapter-sd1:0.8"], sampler="euler", cfg=5.0)),
    "adapter-odd-size": ("tiny-sd1", dict(adapter=["adapter-sd1"], sampler="euler", cfg=4.0,
                                          width=40, height=56, count=2)),
    "adapter-gray": ("tiny-sd1", dict(adapter=["adapter-gray:1.2"], sampler="euler", cfg=1.0)),
    "adapter-two": ("tiny-sd1", dict(adapter=["adapter-sd1:0.8", "adapter-sd1:0.4"],
                                     sampler="euler", cfg=5.0)),
    "adapter-light": ("tiny-sd1", dict(adapter=["adapter-light:0.9"], sampler="euler", cfg=4.0,
                                       width=40, height=56)),
    "adapter-sd2v": ("tiny-sd2v", dict(adapter=["adapter-sd2v:0.6"], cfg=4.0, width=48, height=48)),
    "adapter-xl": ("tiny-xl", dict(adapter=["adapter-xl:0.9"], cfg=5.0, width=48, height=48)),
    # Denoised in windows that overlap, of a picture larger than one of them.
    "windows-two": ("tiny-sd1", dict(control=["control-sd1:0.9", "control-bgr:0.6:0:0.5"],
                                     sampler="dpmpp_2m", cfg=5.0, negative="cat", **WINDOWS)),
    "windows-xl": ("tiny-xl", dict(control=["control-xl:0.8"], sampler="euler", cfg=4.0,
                                   **WINDOWS)),
    "windows-adapter": ("tiny-sd1", dict(adapter=["adapter-sd1:0.8"], sampler="euler", cfg=1.0,
                                         **WINDOWS)),
    "adapter-xl-stretch": ("tiny-xl", dict(adapter=["adapter-xl:0.9:0:0.5"],
                                           sampler="dpmpp_2m", steps=7, cfg=5.0, width=32, height=48)),
}


def readable(folder):
    for where, _, files in os.walk(folder):
        for file in files:
            os.chmod(os.path.join(where, file), 0o644)


def original_names(names, config):
    """A ControlNet's names as its first authors call them, behind control_model."""
    own = {"controlnet_mid_block": "middle_block_out.0"}
    prefix = "controlnet_cond_embedding."
    blocks = 2 * (len(config[OWN]) - 1)
    embedding = ["conv_in", *(f"blocks.{i}" for i in range(blocks)), "conv_out"]
    own |= {prefix + name: f"input_hint_block.{2 * i}" for i, name in enumerate(embedding)}
    for name in names:
        if name.startswith("controlnet_down_blocks."):
            _, index, kind = name.split(".")
            yield name, f"zero_convs.{index}.0.{kind}"
        elif name.startswith("controlnet_"):
            stem, _, kind = name.rpartition(".")
            yield name, f"{own[stem]}.{kind}"
    rest = [name for name in names if not name.startswith("controlnet_")]
    yield from unet_names(rest, dict(config, up_block_types=config["down_block_types"]))


def write_nets(out):
    for index, (name, (model, dtype, own)) in enumerate(CONTROLS.items()):
        with open(os.path.join(ROOT, DATA, model, "unet", "config.json")) as file:
            unet = json.load(file)
        options = {key: unet[key] for key in SHARED if key in unet} | own
        net = randomise(ControlNetModel(**options), 700 + index, dtype).to(dtype)
        net.save_pretrained(os.path.join(out, name))
    for index, (name, (dtype, options)) in enumerate(ADAPTERS.items()):
        adapter = randomise(T2IAdapter(**options), 800 + index, dtype).to(dtype)
        adapter.save_pretrained(os.path.join(out, name))
    for name in ("control-sd1", "control-xl"):
        folder = os.path.join(out, name)
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
        weights = load_file(os.path.join(folder, "diffusion_pytorch_model.safetensors"))
        single = {f"control_model.{old}": weights[here]
                  for here, old in original_names(list(weights), config)}
        assert len(single) == len(weights)
        save_file(single, folder + ".safetensors")
        if len(config[OWN]) != 4:
            continue  # diffusers' own reader knows pictures eight times the latents alone
        back = ControlNetModel.from_single_file(folder + ".safetensors", config=folder)
        for here, value in back.state_dict().items():
            assert torch.equal(value, weights[here].float()), here
    weights = load_file(os.path.join(out, "adapter-sd1", "diffusion_pytorch_model.safetensors"))
    single = {}
    for name, value in weights.items():
        parts = name.removeprefix("adapter.").split(".")
        if parts[0] == "body":
            level = int(parts[1])
            parts = (["body", str(2 * level + int(parts[3])), *parts[4:]]
                     if parts[2] == "resnets" else ["body", str(2 * level), *parts[2:]])
        single[".".join(parts)] = value
    save_file(single, os.path.join(out, "adapter-sd1.safetensors"))
    torch.save(single, os.path.join(out, "adapter-sd1.pth"))
    weights = load_file(os.path.join(out, "adapter-light", "diffusion_pytorch_model.safetensors"))
    save_file({name.removeprefix("adapter.").replace(".resnets.", ".body."): value
               for name, value in weights.items()}, os.path.join(out, "adapter-light.safetensors"))
    readable(out)


def make_control_pictures():
    """Two opaque pictures of 64 x 64, one of 96 x 80 and its mirror image, and a mask; 8 bits."""
    picture, mask = make_pictures()
    one, other = picture[..., :3].contiguous(), picture[..., 1:].flip(0).contiguous()
    large = torch.cat([torch.cat([one, other], 1), torch.cat([other, one], 1)])[:80, :96]
    return {"picture": one, "other": other, "large": large.contiguous(),
            "mirrored": large.flip(1).contiguous(), "mask": mask}


def corner(name, request):
    picture = make_control_pictures()[name][:request["height"], :request["width"]]
    return picture.permute(2, 0, 1)[None]


def parsed(text):
    name, *numbers = text.split(":")
    weight, begin, end = [*map(float, numbers), *(1.0, 0.0, 1.0)[len(numbers):]]
    return name, weight, begin, end


def one(values):
    return values[0] if len(values) == 1 else list(values)


def with_scheduler(pipeline, folder, request):
    if "sampler" in request:
        with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as file:
            config = json.load(file)
        pipeline.scheduler = make(request["sampler"], config, request.get("schedule", "normal"),
                                  request["steps"])
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def base(folder, model):
    if "-xl" not in model:
        return load(folder).components
    return StableDiffusionXLPipeline.from_pretrained(folder, torch_dtype=torch.float32,
                                                     add_watermarker=False).components


def run_control(folder, model, request, nets):
    names, weights, begins, ends = zip(*map(parsed, request["control"]))
    controls = [ControlNetModel.from_pretrained(os.path.join(nets, name), torch_dtype=torch.float32)
                for name in names]
    kind = (StableDiffusionXLControlNetPipeline if "-xl" in model else
            StableDiffusionControlNetInpaintPipeline if "mask" in request else
            StableDiffusionControlNetImg2ImgPipeline if "init" in request else
            StableDiffusionControlNetPipeline)
    more = {} if "-xl" in model else {"requires_safety_checker": False}
    pipeline = with_scheduler(kind(**base(folder, model), controlnet=one(controls), **more), folder,
                              request)
    pictures = one([corner(name, request) for name in request["controlImage"]])
    options = dict(controlnet_conditioning_scale=one(weights), guess_mode="controlGuess" in request,
                   control_guidance_start=one(begins), control_guidance_end=one(ends))
    if "init" in request:
        options |= dict(image=corner(request["init"], request), control_image=pictures,
                        strength=request["strength"])
    else:
        options |= dict(image=pictures)
    if "mask" in request:
        options["mask_image"] = corner(request["mask"], request)
    return pipeline, options


def run_adapter(folder, model, request, nets):
    names, weights, _, ends = zip(*map(parsed, request["adapter"]))
    adapters = [T2IAdapter.from_pretrained(os.path.join(nets, name), torch_dtype=torch.float32)
                for name in names]
    xl = "-xl" in model
    kind = StableDiffusionXLAdapterPipeline if xl else StableDiffusionAdapterPipeline
    more = {} if xl else {"requires_safety_checker": False}
    adapter = adapters[0] if len(adapters) == 1 else MultiAdapter(adapters)
    parts = base(folder, model)
    if not xl:
        parts.pop("image_encoder")
    pipeline = with_scheduler(kind(**parts, adapter=adapter, **more), folder, request)
    # As Pillow makes a picture gray, without its rounding.
    gray = torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]
    pictures = [corner(name, request) for name in request["adapterImage"]]
    pictures = [(picture * gray).sum(1, keepdim=True) if net.config.in_channels == 1 else picture
                for picture, net in zip(pictures, adapters)]
    options = dict(image=one(pictures), adapter_conditioning_scale=one(weights))
    if xl:
        options["adapter_conditioning_factor"] = ends[0]
    return pipeline, options


def beginnings(length, side, stride):
    """Where windows begin along one side; the last one ends with it."""
    return sorted({*range(0, length - side, stride), length - side})


def told(pipeline, request):
    """What the denoiser is told of each row: the negative prompt's, then the prompt's."""
    guided = request["cfg"] > 1
    embeddings = pipeline.encode_prompt(request["prompt"], device="cpu", num_images_per_prompt=1,
                                        do_classifier_free_guidance=guided,
                                        negative_prompt=request.get("negative"))
    if len(embeddings) == 2:
        return torch.cat(embeddings[::-1]) if guided else embeddings[0], None
    prompt, negative, pooled, negative_pooled = embeddings
    size = [request["height"], request["width"]]
    return torch.cat([negative, prompt]), {
        "text_embeds": torch.cat([negative_pooled, pooled]),
        "time_ids": torch.tensor([[*size, 0, 0, *size]] * 2, dtype=torch.float32)}


def run_in_windows(folder, model, request, nets):
    """MultiDiffusion (Bar-Tal et al. 2023) over diffusers' modules: the nets see the part of their
    pictures that lies in the window. Of samplers that are linear in the prediction."""
    kind = StableDiffusionXLPipeline if "-xl" in model else StableDiffusionPipeline
    pipeline = with_scheduler(kind.from_pretrained(folder, torch_dtype=torch.float32), folder,
                              request)
    unet, scheduler = pipeline.unet, pipeline.scheduler
    embeddings, added = told(pipeline, request)
    loaded = [(parsed(text), kind.from_pretrained(os.path.join(nets, parsed(text)[0]),
                                                  torch_dtype=torch.float32),
               corner(name, request))
              for key, kind in (("control", ControlNetModel), ("adapter", T2IAdapter))
              for text, name in zip(request.get(key, []), request.get(key + "Image", []))]
    scheduler.set_timesteps(request["steps"])
    generator = torch.Generator("cpu").manual_seed(request["seed"])
    factor, calls = pipeline.vae_scale_factor, len(scheduler.timesteps)
    shape = (1, unet.config.in_channels, request["height"] // factor, request["width"] // factor)
    latents = torch.randn(shape, generator=generator) * scheduler.init_noise_sigma
    side, stride = request["denoiseTile"] // factor, request["denoiseStride"] // factor
    windows = [(top, left) for top in beginnings(shape[2], side, stride)
               for left in beginnings(shape[3], side, stride)]
    assert len(windows) > 3

    def predict(part, timestep, call, picture_part):
        steered = {}
        sample = torch.cat([part] * len(embeddings))
        for (_, weight, begin, end), net, picture in loaded:
            if call / calls < begin or (call + 1) / calls > end:
                continue
            seen = picture[..., picture_part[0], picture_part[1]]
            if isinstance(net, T2IAdapter):
                assert not steered
                steered["down_intrablock_additional_residuals"] = [
                    (weight * state).repeat(len(embeddings), 1, 1, 1) for state in net(seen)]
                continue
            down, middle = net(sample, timestep, embeddings, seen.repeat(len(embeddings), 1, 1, 1),
                               conditioning_scale=weight, added_cond_kwargs=added,
                               return_dict=False)
            before = steered.get("down_block_additional_residuals")
            steered = {"down_block_additional_residuals":
                       [a + b for a, b in zip(before, down)] if before else down,
                       "mid_block_additional_residual":
                       middle + steered.get("mid_block_additional_residual", 0)}
        output = unet(sample, timestep, embeddings, added_cond_kwargs=added, **steered).sample
        if len(output) == 1:
            return output
        negative, positive = output.chunk(2)
        return negative + request["cfg"] * (positive - negative)

    for call, timestep in enumerate(scheduler.timesteps):
        scaled = scheduler.scale_model_input(latents, timestep)
        total, count = torch.zeros(shape, dtype=torch.float64), torch.zeros(shape)
        for top, left in windows:
            rows, columns = slice(top, top + side), slice(left, left + side)
            pixels = [slice(factor * place, factor * (place + side)) for place in (top, left)]
            total[..., rows, columns] += predict(scaled[..., rows, columns], timestep, call, pixels)
            count[..., rows, columns] += 1
        latents = scheduler.step((total / count).float(), timestep, latents).prev_sample
    return latents


def write_case(name, out):
    model, request = CASES[name]
    request = dict(dict(seed=91, prompt=APPLE, width=64, height=64, steps=6), **request)
    windows = "denoiseTile" in request
    pictures = ["large", "mirrored"] if windows else ["picture", "other"]
    for kind in ("control", "adapter"):
        if kind in request:
            request[kind + "Image"] = pictures[:len(request[kind])]
    folder, nets = os.path.join(ROOT, DATA, model), os.path.join(out, "nets")
    if windows:
        return write_result(name, out, model, request, run_in_windows(folder, model, request, nets))
    build = run_control if "control" in request else run_adapter
    pipeline, options = build(folder, model, request, nets)
    count, seed = request.get("count", 1), request["seed"]
    if "init" not in request or "mask" in request:
        options |= dict(width=request["width"], height=request["height"])
    latents = pipeline(prompt=request["prompt"],
                       negative_prompt=request.get("negative", None if "-xl" in model else ""),
                       num_inference_steps=request["steps"], guidance_scale=request["cfg"],
                       num_images_per_prompt=count, output_type="latent",
                       generator=[torch.Generator("cpu").manual_seed(seed + i)
                                  for i in range(count)], **options).images
    write_result(name, out, model, request, latents)


def write_result(name, out, model, request, latents):
    assert latents.isfinite().all(), name
    save_file({"latents": latents.contiguous()}, os.path.join(out, f"{name}.safetensors"))
    case = {"model": f"{DATA}/{model}", "request": request, "expected": f"{name}.safetensors",
            "tolerance": 1e-3}
    with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{name}: latents {list(latents.shape)}, largest {latents.abs().max():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(HERE, "data", "control"))
    parser.add_argument("names", nargs="*", default=[], help="which cases (all of them)")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    os.makedirs(os.path.join(arguments.out, "nets"), exist_ok=True)
    if not arguments.names:
        write_nets(os.path.join(arguments.out, "nets"))
    save_file(make_control_pictures(), os.path.join(arguments.out, "pictures.safetensors"))
    for name in arguments.names or CASES:
        write_case(name, arguments.out)
    readable(arguments.out)
    write_versions(arguments.out, ["torch", "diffusers", "transformers", "tokenizers", "numpy",
                                   "scipy", "safetensors"])


if __name__ == "__main__":
    main()
