"""Textual inversions for the tiny models, in every layout: data/embeddings/<name>, and
data/embeddings/cases.json with the runs that use them; data/embeddings/expected.safetensors holds
their final latents, as diffusers' load_textual_inversion and pipelines give them.

Needs the models of generate_models.py and generate_xl.py in data.
"""

import json
import os

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import load_file, save_file

from generate_schedulers import make
from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
FOLDER = os.path.join(DATA, "embeddings")
STEPS, CFG, SEED = 4, 5.0, 7

# name: (model, prompt, negative, [(file, word)])
CASES = {
    "token": ("tiny-sd1", "a photo of a <style> apple", "blurry", [("token.safetensors", "<style>")]),
    "several": ("tiny-sd1", "a photo, easy-word, red apple", "blurry easy-word",
                [("easy-word.pt", "easy-word")]),
    "kohya": ("tiny-sd1", "a kohya of a cat", "dark <style>",
              [("kohya.safetensors", "kohya"), ("token.safetensors", "<style>")]),
    "bin": ("tiny-sd1", "smiling table in the learned style", "", [("learned.bin", "learned")]),
    "xl": ("tiny-xl", "a photo of a xlword apple", "blurry xlword", [("xlword.safetensors", "xlword")]),
}


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def write_files():
    os.makedirs(FOLDER, exist_ok=True)
    save = lambda tensors, name: save_file(tensors, os.path.join(FOLDER, name + ".safetensors"))
    save({"<style>": draw(1, 16)}, "token")
    save({"emb_params": draw(2, 2, 16).half()}, "kohya")
    with open(os.path.join(DATA, "tiny-xl", "text_encoder", "config.json")) as file:
        first = json.load(file)["hidden_size"]
    with open(os.path.join(DATA, "tiny-xl", "text_encoder_2", "config.json")) as file:
        second = json.load(file)["hidden_size"]
    save({"clip_l": draw(3, 3, first), "clip_g": draw(4, 3, second)}, "xlword")
    torch.save({"string_to_token": {"*": 265}, "string_to_param": {"*": draw(5, 4, 16)},
                "name": "easy-word", "step": 500, "sd_checkpoint": None,
                "sd_checkpoint_name": None}, os.path.join(FOLDER, "easy-word.pt"))
    torch.save({"<learned>": draw(6, 16)}, os.path.join(FOLDER, "learned.bin"))
    for name in os.listdir(FOLDER):
        os.chmod(os.path.join(FOLDER, name), 0o644)


def load(model):
    kind = StableDiffusionXLPipeline if "xl" in model else StableDiffusionPipeline
    more = {} if "xl" in model else {"safety_checker": None}
    pipeline = kind.from_pretrained(os.path.join(DATA, model), torch_dtype=torch.float32, **more)
    pipeline.set_progress_bar_config(disable=True)
    with open(os.path.join(DATA, model, "scheduler", "scheduler_config.json")) as file:
        pipeline.scheduler = make("euler", json.load(file), "normal", STEPS)
    return pipeline


def run_case(model, prompt, negative, files):
    pipeline = load(model)
    # Configs of before transformers 4.31 say 2, and the end is then taken to be the highest id: with
    # new tokens that is one of these. Nobody's pictures are made so.
    for component in (pipeline.text_encoder, getattr(pipeline, "text_encoder_2", None)):
        for module in component.modules() if component else ():
            if getattr(module, "eos_token_id", None) == 2:
                module.eos_token_id = pipeline.tokenizer.eos_token_id
    for file, word in files:
        path = os.path.join(FOLDER, file)
        if "xl" in model:
            state = load_file(path)
            pipeline.load_textual_inversion(state["clip_l"], token=word,
                                            text_encoder=pipeline.text_encoder,
                                            tokenizer=pipeline.tokenizer)
            pipeline.load_textual_inversion(state["clip_g"], token=word,
                                            text_encoder=pipeline.text_encoder_2,
                                            tokenizer=pipeline.tokenizer_2)
        else:
            pipeline.load_textual_inversion(path, token=word)
    with torch.no_grad():
        return pipeline(prompt, negative_prompt=negative, num_inference_steps=STEPS,
                        guidance_scale=CFG, output_type="latent",
                        generator=torch.Generator("cpu").manual_seed(SEED)).images.contiguous()


def main():
    write_files()
    expected, cases = {}, []
    for name, (model, prompt, negative, files) in CASES.items():
        expected[name] = run_case(model, prompt, negative, files)
        without = run_case(model, prompt, negative, [])
        assert (expected[name] - without).abs().max() > 1e-2, name
        cases.append({"name": name, "model": model, "prompt": prompt, "negative": negative,
                      "embeddings": [f"{file}:{word}" for file, word in files]})
    save_file(expected, os.path.join(FOLDER, "expected.safetensors"))
    os.chmod(os.path.join(FOLDER, "expected.safetensors"), 0o644)
    with open(os.path.join(FOLDER, "cases.json"), "w") as file:
        json.dump({"steps": STEPS, "cfg": CFG, "seed": SEED, "sampler": "euler", "cases": cases},
                  file, indent=1)
        file.write("\n")
    write_versions(FOLDER, ["torch", "diffusers", "transformers", "safetensors"])


if __name__ == "__main__":
    main()
