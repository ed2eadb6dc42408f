"""Kinora beside PyTorch, OpenVINO and stable-diffusion.cpp: the same networks, sizes, precision and threads.

    python tests/bench/compare_pytorch.py --kinora build/release/bin/kinora [PART...] [--dtype bf16 f32]
        [--rounds 5] [--threads 2] [--engines pytorch openvino] [--apart] [--json FILE]

A PART is a row of PARTS below (unet-sd15-512 and so on); all of them without one. The weights are random: nothing but
the sizes matters to the time. In each round every engine runs once, so that a busy moment of the machine
hits them all; the figures are medians over the rounds, and ratios are Kinora's time by the other's. Each engine
lives in a process of its own and has the machine for itself while it runs. --apart: one engine after the other, each
with all its rounds, where memory does not hold them all (SDXL in f32).
PyTorch: eager, channels_last, inference_mode, weights in the precision of the run. OpenVINO: the same module
converted, with the precision as its hint. stable-diffusion.cpp (sdcpp, the UNet of SD 1.5 alone): weights in f16, as its
users keep them; the difference between a run of two steps and one of one. An engine that is not
installed, or does not fit into the memory that is free, is left out.
Needs torch and diffusers.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

PARTS = {  # name: part, architecture, side in pixels
    "unet-sd15-512": ("unet", "sd15", 512),
    "unet-sdxl-1024": ("unet", "sdxl", 1024),
    "vae-sd15-512": ("vae", "sd15", 512),
    "vae-sd15-1024": ("vae", "sd15", 1024),
    "text-sd15": ("text", "sd15", 512),
}
UNET = {
    "sd15": dict(cross_attention_dim=768, attention_head_dim=8, block_out_channels=(320, 640, 1280, 1280),
                 down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
                 up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3),
    "sdxl": dict(cross_attention_dim=2048, attention_head_dim=(5, 10, 20), block_out_channels=(320, 640, 1280),
                 down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 2,
                 up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",),
                 transformer_layers_per_block=(1, 2, 10), use_linear_projection=True,
                 addition_embed_type="text_time", addition_time_embed_dim=256,
                 projection_class_embeddings_input_dim=2816),
}


def make_inputs(part, arch, side):
    """The inputs of one forward, by position."""
    import torch
    latents = torch.randn(1, 4, side // 8, side // 8)
    if part == "vae":
        return [latents]
    if part == "text":
        return [torch.arange(77)[None] * 97 % 49408]
    inputs = [latents, torch.tensor(500.), torch.randn(1, 77, UNET[arch]["cross_attention_dim"])]
    if arch == "sdxl":
        inputs += [torch.randn(1, 1280), torch.tensor([[1024., 1024, 0, 0, 1024, 1024]])]
    return inputs


def make_module(part, arch, side):
    """(module, inputs by position) in float32."""
    import torch
    inputs = make_inputs(part, arch, side)
    if part == "unet":
        from diffusers import UNet2DConditionModel

        class Denoiser(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.unet = UNet2DConditionModel(in_channels=4, out_channels=4, sample_size=side // 8, **UNET[arch])

            def forward(self, sample, timestep, prompt, pooled=None, time_ids=None):
                added = None if pooled is None else {"text_embeds": pooled, "time_ids": time_ids}
                return self.unet(sample, timestep, prompt, added_cond_kwargs=added, return_dict=False)[0]

        return Denoiser(), inputs
    if part == "vae":
        from diffusers import AutoencoderKL

        class Decoder(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.vae = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2,
                                         down_block_types=("DownEncoderBlock2D",) * 4,
                                         up_block_types=("UpDecoderBlock2D",) * 4)

            def forward(self, latents):
                return self.vae.decode(latents, return_dict=False)[0]

        return Decoder(), inputs
    from transformers import CLIPTextConfig, CLIPTextModel

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.text = CLIPTextModel(CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12,
                                                     num_hidden_layers=12, projection_dim=768))

        def forward(self, ids):
            return self.text(ids, return_dict=False)[0]

    return Encoder(), inputs


class PyTorch:
    name = "pytorch"

    def __init__(self, part, arch, side, dtype, threads):
        import torch
        module, inputs = make_module(part, arch, side)
        torch.set_num_threads(threads)
        self.torch, kind = torch, torch.bfloat16 if dtype == "bf16" else torch.float32
        self.module = module.eval().to(kind).to(memory_format=torch.channels_last)
        self.inputs = [x.to(kind) if x.is_floating_point() else x for x in inputs]
        self.inputs = [x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in self.inputs]
        self()

    def __call__(self):
        with self.torch.inference_mode():
            start = time.perf_counter()
            self.module(*self.inputs)
            return time.perf_counter() - start


class OpenVino:
    name = "openvino"

    def __init__(self, part, arch, side, dtype, threads):
        import openvino
        module, inputs = make_module(part, arch, side)
        # Tracing computes, at a size that takes little memory; the shapes are the real ones.
        small = make_inputs(part, arch, min(side, 256))
        model = openvino.convert_model(module.eval(), example_input=tuple(small), input=[list(x.shape) for x in inputs])
        del module
        options = {"INFERENCE_PRECISION_HINT": dtype, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        self.compiled = openvino.Core().compile_model(model, "CPU", options)
        self.request = self.compiled.create_infer_request()
        self.inputs = [x.numpy() for x in inputs]
        self()

    def __call__(self):
        start = time.perf_counter()
        self.request.infer(self.inputs)
        return time.perf_counter() - start


def write_model(folder, pixels):
    """The weights of a folder in diffusers' layout: SD 1.5's sizes, random numbers in f16."""
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPTextConfig, CLIPTextModel
    text = CLIPTextModel(CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12,
                                        num_hidden_layers=12, projection_dim=768))
    texts = {"text_model." + name.removeprefix("text_model."): value for name, value in text.state_dict().items()}
    unet, decoder = make_module("unet", "sd15", pixels)[0], make_module("vae", "sd15", pixels)[0]
    for file, tensors in (("unet/diffusion_pytorch_model", unet.unet.state_dict()),
                          ("vae/diffusion_pytorch_model", decoder.vae.state_dict()), ("text_encoder/model", texts)):
        path = os.path.join(folder, file + ".safetensors")
        os.makedirs(os.path.dirname(path))
        save_file({name: value.to(torch.float16).contiguous() for name, value in tensors.items()}, path)


class StableDiffusionCpp:
    name = "sdcpp"

    def __init__(self, part, arch, side, dtype, threads):
        from stable_diffusion_cpp import StableDiffusion
        self.side = side
        with tempfile.TemporaryDirectory() as folder:
            write_model(folder, side)
            self.model = StableDiffusion(model_path=folder, n_threads=threads, verbose=False)

    def run(self, steps):
        start = time.perf_counter()
        self.model.generate_image(prompt="a fox", width=self.side, height=self.side, cfg_scale=1.0, sample_steps=steps,
                                  sample_method="euler", seed=1)
        return time.perf_counter() - start

    def __call__(self):
        return -self.run(1) + self.run(2)


class Kinora:
    name = "kinora"

    def __init__(self, program, part, arch, side, dtype, threads):
        size = [] if part == "text" else ["--width", str(side), "--height", str(side)]
        self.command = [program, "--threads", str(threads), "bench", part, "--arch", arch, "--dtype", dtype,
                        "--repeat", "2", "--json", "--quiet", *size]
        self.peak_bytes, self.predicted_peak_bytes = 0, 0

    def __call__(self):
        done = subprocess.run(self.command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(self.command)}: {done.stdout}{done.stderr}")
        event = json.loads(done.stdout.splitlines()[-1])
        self.peak_bytes = max(self.peak_bytes, event["peakBytes"])
        self.predicted_peak_bytes = event["predictedPeakBytes"]
        return min(event["seconds"])

    def close(self):
        pass


ENGINES = {engine.name: engine for engine in (PyTorch, OpenVino, StableDiffusionCpp)}


def keep_to_free_memory():
    """What an engine takes beyond that fails in its process, and does not end somebody else's."""
    with open("/proc/meminfo") as lines:
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    limit = free - (1 << 30)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def serve(connection, name, details):
    """A process with one engine: answers each message with the seconds that it took."""
    keep_to_free_memory()
    try:
        engine = ENGINES[name](*details)
    except (ImportError, MemoryError, RuntimeError) as error:
        connection.send(f"{name} is left out: {error}")
        return
    connection.send(None)
    while connection.recv():
        connection.send(engine())


class Served:
    """An engine in a process of its own."""

    def __init__(self, name, *details):
        context = multiprocessing.get_context("spawn")
        self.name = name
        self.connection, far = context.Pipe()
        self.process = context.Process(target=serve, args=(far, name, details), daemon=True)
        self.process.start()
        far.close()
        self.missing = self.connection.recv()

    def __call__(self):
        self.connection.send(True)
        return self.connection.recv()

    def close(self):
        if not self.missing:
            self.connection.send(False)
        self.process.join()


def can_run(engine, name, dtype):
    return engine != "sdcpp" or (name == "unet-sd15-512" and dtype == "bf16")


def started(args, name, dtype):
    """One engine after another; the caller closes them."""
    part, arch, side = PARTS[name]
    yield Kinora(args.kinora, part, arch, side, dtype, args.threads)
    for engine in args.engines:
        if not can_run(engine, name, dtype):
            continue
        served = Served(engine, part, arch, side, dtype, args.threads)
        if served.missing:
            print(served.missing, file=sys.stderr)
            served.close()
        else:
            yield served


def timed(args, name, dtype):
    """Seconds by engine, and Kinora's peak and planned peak in bytes."""
    seconds, peaks = {}, (0, 0)

    def run(engines, rounds):
        nonlocal peaks
        for _ in range(rounds):
            for engine in engines:
                seconds.setdefault(engine.name, []).append(engine())
        for engine in engines:
            if engine.name == "kinora":
                peaks = (engine.peak_bytes, engine.predicted_peak_bytes)
            engine.close()

    if args.apart:
        for engine in started(args, name, dtype):
            run([engine], args.rounds)
    else:
        run(list(started(args, name, dtype)), args.rounds)
    return seconds, *peaks


def compare(args, name, dtype):
    seconds, peak, planned = timed(args, name, dtype)
    medians = {engine: statistics.median(times) for engine, times in seconds.items()}
    return {"part": name, "dtype": dtype, "rounds": args.rounds, "threads": args.threads, "medianSeconds": medians,
            "seconds": seconds, "ratio": {other: medians["kinora"] / took for other, took in medians.items() if other != "kinora"},
            "peakBytes": peak, "predictedPeakBytes": planned}


def processor():
    with open("/proc/cpuinfo") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {len(names)} cores"


def print_row(result, engines):
    medians, ratio = result["medianSeconds"], result["ratio"]
    cells = [result["part"], result["dtype"], f"{medians['kinora']:.4f} s"]
    for other in engines:
        cells += [f"{medians[other]:.4f} s", f"{ratio[other]:.2f}"] if other in medians else ["", ""]
    cells.append(f"{result['peakBytes'] / 2**30:.2f} GiB ({result['predictedPeakBytes'] / 2**30:.2f})")
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="rows of PARTS; none: all")
    parser.add_argument("--kinora", default="build/release/bin/kinora")
    parser.add_argument("--dtype", nargs="+", default=["bf16", "f32"], choices=["bf16", "f32"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--engines", nargs="*", default=["pytorch", "openvino", "sdcpp"], choices=[*ENGINES])
    parser.add_argument("--apart", action="store_true", help="one engine after the other")
    parser.add_argument("--json", help="a file for all figures")
    args = parser.parse_args()
    print(f"{processor()}, {args.threads} threads; medians of {args.rounds} rounds\n")
    columns = ["part", "precision", "kinora", *(c for e in args.engines for c in (e, "ratio")),
               "kinora's peak (planned)"]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)
    results = []
    for name in args.parts or PARTS:
        for dtype in args.dtype:
            results.append(compare(args, name, dtype))
            print_row(results[-1], args.engines)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
