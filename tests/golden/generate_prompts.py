"""Whole runs with the prompt language of the web UIs (prompt_language.py): data/pipelines/prompt-*
(what is in them: README.md). The loop is written out, for prompts that change and that are joined.
And data/prompts.json: random texts with what the language makes of them.

    python generate_prompts.py [CASE...]
"""

import argparse
import json
import os
from random import Random

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import save_file

import prompt_language as language
from generate_pipelines import DATA, HERE, ROOT
from generate_schedulers import make
from versions import write_versions

WORDS = "highly detailed portrait photograph, sharp focus, watercolor painting of the red cat, "
# name: (model, request)
CASES = {
    "prompt-weights": ("tiny-sd1", dict(prompt="a (red:1.4) apple, ((smiling)) [cat] \\(photo\\)",
                                        negative="(blurry:0.6)", steps=4, cfg=6.0)),
    "prompt-weights-2": ("tiny-sd2v", dict(prompt="a (red (apple:0.7), [the] cat:1.5) photo :)",
                                           steps=4, cfg=4.0)),
    "prompt-comfy": ("tiny-sd1", dict(prompt="a (red:1.4) apple, ((smiling)) [cat] \\(photo\\)",
                                      negative="(the (table:0.5) cat)", promptSyntax="comfy",
                                      steps=4, cfg=6.0)),
    "prompt-comfy-long": ("tiny-starter", dict(prompt=f"(sharp:1.2) {WORDS}(red apple:0.8) on the "
                                           "(smiling cat:1.3), table", promptSyntax="comfy",
                                           steps=3, cfg=4.0)),
    "prompt-long": ("tiny-sd1", dict(prompt=WORDS * 4, promptSyntax="a1111", steps=3, cfg=5.0)),
    "prompt-break": ("tiny-sd1", dict(prompt="a red apple BREAK (the table:1.2) BREAK cat",
                                      negative="blurry BREAK dark", steps=3, cfg=5.0)),
    "prompt-change": ("tiny-sd1", dict(prompt="a [red:(smiling:1.3):0.5] [apple|cat] [table::2] "
                                       "[photo:3]", negative="[dark:blurry:0.25]", steps=6,
                                       cfg=5.0)),
    "prompt-joint": ("tiny-sd1", dict(prompt="a red apple :0.7 AND the [cat:table:0.5]:1.2 AND "
                                      "photo", negative="dark", steps=4, cfg=4.0, count=2)),
    "prompt-joint-unguided": ("tiny-sd1", dict(prompt="a red apple AND the cat:0.3", steps=3,
                                               cfg=1.0)),
    "prompt-clip-skip": ("tiny-sd1", dict(prompt="a (red:1.4) apple", clipSkip=2, steps=3,
                                          cfg=5.0)),
    "prompt-xl": ("tiny-xl", dict(prompt="a (red:1.4) apple BREAK the [cat:table:0.5], photo",
                                  negative="(dark:1.3)", steps=4, cfg=5.0)),
    "prompt-xl-comfy": ("tiny-xl", dict(prompt="a (red:1.4) apple", promptSyntax="comfy", steps=3,
                                        cfg=5.0)),
    "prompt-xl-empty": ("tiny-xl", dict(prompt="a (red:1.4) apple", steps=3, cfg=5.0)),
}


class Told:
    """What the denoiser is told of one prompt: by call, its embeddings and pooled embedding."""

    def __init__(self, pipeline, text, syntax, options, calls):
        entries = language.schedule(text, calls) if syntax == "a1111" else [(calls, text)]
        parts = []
        for suffix in ("", "_2") if options["xl"] else ("",):
            parts.append(language.encode_texts(
                [text for _, text in entries], getattr(pipeline, "tokenizer" + suffix),
                getattr(pipeline, "text_encoder" + suffix), syntax, options))
        self.ends = [end for end, _ in entries]
        self.embeddings = torch.cat([embeddings for embeddings, _ in parts], dim=-1)
        self.pooled = parts[-1][1]

    def at(self, call):
        index = next(i for i, end in enumerate(self.ends) if call <= end)
        pooled = None if self.pooled is None else self.pooled[index:index + 1]
        return self.embeddings[index:index + 1], pooled

    def zeros(self):
        self.embeddings = torch.zeros_like(self.embeddings)
        self.pooled = torch.zeros_like(self.pooled)


def run(folder, request):
    with open(os.path.join(folder, "model_index.json")) as file:
        xl = "XL" in json.load(file)["_class_name"]
    kind = StableDiffusionXLPipeline if xl else StableDiffusionPipeline
    options = {"add_watermarker": False} if xl else {"safety_checker": None}
    pipeline = kind.from_pretrained(folder, torch_dtype=torch.float32, **options)
    with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as file:
        scheduler = make("euler", json.load(file), "normal", request["steps"])
    syntax, calls = request.get("promptSyntax", "a1111"), request["steps"]
    read = dict(xl=xl, skip=request.get("clipSkip", 2 if xl else 1))
    joint = language.joint(request["prompt"]) if syntax == "a1111" else [(request["prompt"], 1.0)]
    prompts = [(Told(pipeline, text, syntax, read, calls), weight) for text, weight in joint]
    negative = Told(pipeline, request.get("negative", ""), syntax, read, calls)
    if xl and syntax == "a1111" and not request.get("negative"):
        negative.zeros()
    size = pipeline.unet.config.sample_size
    pixels = float(size * pipeline.vae_scale_factor)

    def predict(sample, time, told):
        embeddings, pooled = told
        rows = sample.shape[0]
        added = None
        if xl:
            numbers = torch.tensor([[pixels, pixels, 0, 0, pixels, pixels]]).repeat(rows, 1)
            added = dict(text_embeds=pooled.repeat(rows, 1), time_ids=numbers)
        return pipeline.unet(sample, time, embeddings.repeat(rows, 1, 1),
                             added_cond_kwargs=added).sample

    count, channels = request.get("count", 1), pipeline.unet.config.in_channels
    generators = [torch.Generator("cpu").manual_seed(request["seed"] + i) for i in range(count)]
    latents = torch.cat([torch.randn(1, channels, size, size, generator=g) for g in generators])
    scheduler.set_timesteps(request["steps"])
    latents = latents * scheduler.init_noise_sigma
    for call, time in enumerate(scheduler.timesteps):
        sample = scheduler.scale_model_input(latents, time)
        nothing = predict(sample, time, negative.at(call))
        guided = nothing.clone()
        longest = max(told.embeddings.shape[1] for told, _ in prompts)
        for told, weight in prompts:
            embeddings, pooled = told.at(call)
            missing = longest - embeddings.shape[1]
            embeddings = torch.cat([embeddings, embeddings[:, -1:].repeat(1, missing, 1)], dim=1)
            guided += request["cfg"] * weight * (predict(sample, time, (embeddings, pooled))
                                                 - nothing)
        latents = scheduler.step(guided, time, latents).prev_sample
    return latents


PIECES = ["red", "(", ")", "[", "]", ":1.3)", ":", "\\", "\\(", " BREAK ", ", cat", " ", "|", "AND",
          "1.2", "ü", "\n", ":.5", "(a:0.8)", "[dog]", "<x>"]


def balanced(random, depth):
    """A text whose brackets all fit: schedules, turns, weights."""
    def inner():
        return balanced(random, depth - 1)

    text = ""
    for _ in range(random.randint(0, 3)):
        kind = random.randint(0, 6 if depth else 1)
        when = random.choice(["0.5", ".25", "3", " 1 ", "1.0", "0", "99", "-2"])
        text += [lambda: random.choice(["red ", "cat, ", "\\[", " the"]), lambda: "apple",
                 lambda: f"({inner()}:1.2)", lambda: f"[{inner()}:{inner()}:{when}]",
                 lambda: f"[{inner()}:{when}]", lambda: f"[{inner()}|{inner()}]",
                 lambda: f"({inner()})"][kind]()
    return text


def write_texts():
    random = Random(5)
    mixed = ["".join(random.choices(PIECES, k=random.randint(0, 9))) for _ in range(300)]
    fitting = [balanced(random, 3) for _ in range(200)]
    cases = {
        "a1111": [[text, language.attention(text)] for text in mixed],
        "comfy": [[text, language.comfy_attention(text) or [["", 1.0]]] for text in mixed],
        "joint": [[text, language.joint(text)] for text in mixed],
        "schedule": [[text, language.schedule(text, 8)] for text in fitting],
    }
    with open(os.path.join(HERE, "data", "prompts.json"), "w", encoding="utf-8") as file:
        json.dump(cases, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


def write_case(name, out):
    model, request = CASES[name]
    request = dict({"seed": 1234, "sampler": "euler"}, **request)
    latents = run(os.path.join(ROOT, DATA, model), request)
    assert latents.isfinite().all(), name
    save_file({"latents": latents.contiguous()}, os.path.join(out, f"{name}.safetensors"))
    os.chmod(os.path.join(out, f"{name}.safetensors"), 0o644)
    case = {"model": f"{DATA}/{model}", "request": request, "expected": f"{name}.safetensors",
            "tolerance": 1e-3}
    with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(case, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{name}: latents {list(latents.shape)}, largest {latents.abs().max():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=[], help="which cases (all of them)")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    out = os.path.join(HERE, "data", "pipelines")
    if not arguments.names:
        write_texts()
    for name in arguments.names or CASES:
        write_case(name, out)
    write_versions(out, ["torch", "diffusers", "transformers", "tokenizers", "numpy", "scipy",
                         "safetensors"])


if __name__ == "__main__":
    main()
