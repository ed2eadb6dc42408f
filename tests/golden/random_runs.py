"""One run of a random model: drawn at random, as Kinora's options and by diffusers."""

import inspect

import diffusers
import numpy as np
import torch
from PIL import Image

from random_additions import draw_addition
from random_passes import draw_passes
from random_schedules import SAMPLERS, make_scheduler, schedules_of
from random_single_files import draw_single_file

PIPELINES = {
    ("sd", "text"): "StableDiffusionPipeline", ("lcm", "text"): "StableDiffusionPipeline",
    ("sd", "image"): "StableDiffusionImg2ImgPipeline",
    ("lcm", "image"): "StableDiffusionImg2ImgPipeline",
    ("sd", "mask"): "StableDiffusionInpaintPipeline",
    ("inpaint9", "mask"): "StableDiffusionInpaintPipeline",
    ("edit", "edit"): "StableDiffusionInstructPix2PixPipeline",
    ("sdxl", "text"): "StableDiffusionXLPipeline",
    ("sdxl", "image"): "StableDiffusionXLImg2ImgPipeline",
    ("sdxl", "mask"): "StableDiffusionXLInpaintPipeline",
    ("sdxl-inpaint9", "mask"): "StableDiffusionXLInpaintPipeline",
    ("refiner", "image"): "StableDiffusionXLImg2ImgPipeline",
}
ONLY_MODES = {"inpaint9": "mask", "sdxl-inpaint9": "mask", "edit": "edit", "refiner": "image"}
PROMPTS = ["", "a quiet castle, golden hour", "two FOXES near the River; oil painting",
           "çafé naïve 東京 🦊 moss\tand  rust", "35mm 1234 (parentheses) [brackets] it's",
           "fox " * 90, "<|endoftext|> lantern", "morning fog,,, very-detailed!!!"]


def picture(draw, width, height, channels=3):
    generator = np.random.default_rng(draw.randrange(2 ** 31))
    y, x = np.mgrid[0:height, 0:width]
    values = np.stack([0.5 + 0.4 * np.sin(x / (3 + 2 * c) + c) * np.cos(y / (4 + c))
                       for c in range(channels)], -1)
    values = np.clip(values + 0.3 * (generator.random(values.shape) - 0.5), 0, 1)
    values = (values * 255).round().astype(np.uint8)
    return Image.fromarray(values if channels == 3 else values[..., 0])


class Run:
    """options(): Kinora's; reference(): final latents by diffusers. work: a folder for pictures."""

    def __init__(self, draw, folder, work):
        self.folder, self.work = folder, work
        self.factor = 2 ** (len(folder.parts["vae"].config.block_out_channels) - 1)
        self.mode = self.draw_mode(draw)
        self.draw_sampling(draw)
        self.draw_start(draw)
        self.prompt, self.negative = draw.choice(PROMPTS), draw.choice(PROMPTS + [""] * 4)
        layers = min(part.config.num_hidden_layers for name, part in folder.parts.items()
                     if name.startswith("text_encoder"))
        self.clip_skip = min(draw.choice([0, 0, 0, 1, 2, 5]), layers + 1)
        self.sizes = folder.is_xl and draw.random() < 0.4
        self.numbers = [draw.randint(16, 1500) for _ in range(6)]
        self.scores = [draw.choice([6.0, 4.5]), draw.choice([2.5, 1.0])]
        self.passes = draw_passes(draw, self)
        self.addition = draw_addition(draw, self)
        self.single_file = draw_single_file(draw, folder)

    def draw_mode(self, draw):
        kind = self.folder.kind
        if kind in ONLY_MODES:
            return ONLY_MODES[kind]
        masks = kind != "lcm" and self.folder.parts["vae"].config.latent_channels == 4
        return draw.choice(["text", "text", "text", "image"] + ["mask"] * masks)

    def draw_sampling(self, draw):
        self.sampler, self.schedule = draw.choice(list(SAMPLERS)), "normal"
        if schedules_of(self.sampler) and draw.random() < 0.6:
            self.schedule = draw.choice(schedules_of(self.sampler))
        self.steps = draw.choice([1, 2, 3, 4, 6, 8, 17, 50])
        self.cfg = draw.choice([0.0, 0.5, 1.0, 1.3, 3.0, 5.0, 7.5, 12.0])
        self.image_cfg = draw.choice([1.0, 1.5, 2.2])
        self.rescale = draw.choice([0.0, 0.0, 0.0, 0.7, 1.0]) if self.mode == "text" else 0.0
        self.eta = draw.choice([0.0, 0.4, 1.0]) if self.sampler in ("ddim", "tcd") else 0.0
        self.seed = draw.randrange(2 ** 32)
        self.count, self.batch = draw.choice([1, 1, 1, 2, 3]), draw.choice([0, 1, 2])
        self.strength = None
        if self.mode in ("image", "mask"):
            self.strength = draw.choice([0.05, 0.3, 0.5, 0.77, 1.0])
            while int(self.steps * self.strength) < 1:
                self.steps += 1

    def draw_start(self, draw):
        """The size, and pictures of that size or of another."""
        unet = self.folder.parts["unet"].config
        least = 2 ** len(unet.block_out_channels) if unet.downsample_padding == 0 else 1

        def side(*latents):
            pixels = self.factor * max(draw.choice(latents), least)
            while pixels % 8:  # which the reference asks for
                pixels += self.factor
            return pixels

        def size():
            if draw.random() < 0.75:
                return self.width, self.height
            return draw.randint(20, 90), draw.randint(20, 90)

        self.width = side(1, 2, 3, 5, 8, 11, 16, 17, 29)
        self.height = side(1, 2, 3, 4, 7, 8, 12)
        self.init = picture(draw, *size()) if self.mode != "text" else None
        self.mask = picture(draw, *size(), channels=1) if self.mode == "mask" else None
        self.pastes = draw.random() < 0.5

    def draw_picture(self, draw, *size):
        return picture(draw, *(size or draw.choice([(self.width, self.height), (57, 40)])))

    def describe(self):
        pictures = " ".join(f"from {image.size[0]}x{image.size[1]}"
                            for image in (self.init, self.mask) if image)
        return (f"{self.folder.kind}/{self.mode} {self.sampler}/{self.schedule} steps {self.steps} "
                f"cfg {self.cfg} {self.width}x{self.height} x{self.count} strength {self.strength} "
                f"rescale {self.rescale} eta {self.eta} skip {self.clip_skip} sizes {self.sizes} "
                f"{self.folder.scheduler['prediction_type']} {pictures} "
                f"{self.passes.describe()} {self.addition.describe()} {self.single_file.describe()}")

    def features(self):
        """What is compared: (heading, name)."""
        named = [("pipeline", f"{self.folder.kind}/{self.mode}"), ("sampler", self.sampler),
                 ("schedule", self.schedule), ("passes", self.passes.name),
                 ("addition", type(self.addition).__name__),
                 ("prediction", self.folder.scheduler["prediction_type"])]
        told = {"clip skip": self.clip_skip, "eta": self.eta, "guidance rescale": self.rescale,
                "sizes of SDXL": self.sizes, "several pictures": self.count > 1,
                "in a batch": self.count > 1 and self.batch > 1,
                "paste-back off": self.mask and not self.pastes,
                "dynamic thresholding": self.folder.scheduler.get("thresholding"),
                "zero terminal SNR": self.folder.scheduler.get("rescale_betas_zero_snr")}
        named += [("option", name) for name, given in told.items() if given]
        return named + self.addition.features() + self.single_file.features()

    def options(self, latents, model=None):
        """model: another place of the same weights."""
        words = ["image", "--model", model or self.folder.path, "--prompt=" + self.prompt,
                 "--negative=" + self.negative,
                 "--prompt-syntax", self.addition.syntax, "--sampler", self.sampler, "--schedule", self.schedule,
                 "--steps", self.steps, "--cfg", self.cfg, "--guidance-rescale", self.rescale,
                 "--seed", self.seed, "--count", self.count, "--batch", self.batch,
                 "--width", self.width, "--height", self.height, "--clip-skip", self.clip_skip,
                 "--precision", "f32", "--save-latents", latents,
                 "--output", f"{self.work}/out.png", "--quiet", "--overwrite", "--threads", 1]
        if self.sampler in ("ddim", "tcd"):
            words += ["--eta", self.eta]
        if self.strength is not None:
            words += ["--strength", self.strength]
        if self.mode == "edit":
            words += ["--image-cfg", self.image_cfg]
        if self.init:
            self.init.save(f"{self.work}/init.png")
            words += ["--init", f"{self.work}/init.png"]
        if self.mask:
            self.mask.save(f"{self.work}/mask.png")
            words += ["--mask", f"{self.work}/mask.png",
                      "--paste-back", "on" if self.pastes else "off"]
        if self.sizes:
            a, b, c, d, e, f = self.numbers
            words += ["--original-width", a, "--original-height", b, "--crop-left", c,
                      "--crop-top", d]
            if self.folder.kind != "refiner":
                words += ["--target-width", e, "--target-height", f]
        if self.folder.kind == "refiner":
            words += ["--aesthetic-score", self.scores[0],
                      "--negative-aesthetic-score", self.scores[1]]
        return [str(word) for word in words + self.passes.options() + self.addition.options()]

    # ---- the reference

    def pipeline(self):
        name = PIPELINES[self.folder.kind, self.mode]
        cls = getattr(diffusers, self.addition.pipeline(name))
        parts = dict(self.addition.parts(self.folder.parts))
        takes = inspect.signature(cls.__init__).parameters
        for name in takes:
            if name in ("safety_checker", "feature_extractor", "image_encoder", "text_encoder",
                        "tokenizer") and name not in parts:
                parts[name] = None
        more = {k: v for k, v in self.folder.index.items() if k in takes and not isinstance(v, list)
                and not k.startswith("_")}
        if "requires_safety_checker" in takes:
            more["requires_safety_checker"] = False
        more.pop("scheduler", None)
        if "add_watermarker" in takes:
            more["add_watermarker"] = False
        family = "xl" if self.folder.is_xl else "sd"
        scheduler = make_scheduler(self.folder.scheduler, self.sampler, self.schedule, family)
        pipe = cls(**{k: v for k, v in parts.items() if k in takes}, **more, scheduler=scheduler)
        pipe.scheduler = make_scheduler(self.folder.scheduler, self.sampler, self.schedule, family)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def texts(self, pipe):
        """Embeddings with clip skip for both prompts, as kinora has it."""
        xl = self.folder.is_xl
        negative = self.negative
        if xl and negative == "":
            negative = None
        skip = None
        if self.clip_skip:
            skip = self.clip_skip - (2 if xl else 1)
        if not xl:
            if not skip:
                return dict(prompt=self.prompt, negative_prompt=negative)
            told = []
            for text in (self.prompt, self.negative):
                ids = pipe.tokenizer(text, padding="max_length", truncation=True,
                                     max_length=pipe.tokenizer.model_max_length,
                                     return_tensors="pt").input_ids
                encoder = pipe.text_encoder
                states = encoder(ids, output_hidden_states=True).hidden_states[-(skip + 1)]
                told.append(getattr(encoder, "text_model", encoder).final_layer_norm(states))
            return dict(prompt_embeds=told[0], negative_prompt_embeds=told[1])
        if not skip:
            return dict(prompt=self.prompt, negative_prompt=negative)
        # skip -1: the very last layer (clip_skip = -1 reads hidden_states[-1]).
        p, _, pooled, _ = pipe.encode_prompt(self.prompt, do_classifier_free_guidance=False,
                                             clip_skip=skip, device="cpu")
        if negative is None and pipe.config.force_zeros_for_empty_prompt:
            n, npooled = torch.zeros_like(p), torch.zeros_like(pooled)
        else:
            n, _, npooled, _ = pipe.encode_prompt(self.negative, device="cpu", clip_skip=skip,
                                                  do_classifier_free_guidance=False)
        return dict(prompt_embeds=p, negative_prompt_embeds=n, pooled_prompt_embeds=pooled,
                    negative_pooled_prompt_embeds=npooled)

    def picture_is_off(self, latents):
        """Steps of 8 bits between the written picture and what the reference's VAE makes of it."""
        pasted = self.mask and self.pastes  # the kept pixels are the picture's own
        if self.count > 1 or pasted:
            return 0
        with torch.no_grad():
            wanted = (self.decoded(latents) * 255).round()[0].permute(1, 2, 0)
        found = torch.tensor(np.array(Image.open(f"{self.work}/out.png").convert("RGB"))).float()
        return (found - wanted).abs().max().item()

    def decoded(self, latents):
        """[n, 3, h, w] in 0..1."""
        vae = self.addition.parts(self.folder.parts)["vae"]
        stored = latents / vae.config.scaling_factor
        if self.is_normalised():
            stored = (stored * torch.tensor(vae.config.latents_std).view(1, -1, 1, 1)
                      + torch.tensor(vae.config.latents_mean).view(1, -1, 1, 1))
        return (vae.decode(stored).sample / 2 + 0.5).clamp(0, 1)

    def is_normalised(self):
        vae = self.addition.parts(self.folder.parts)["vae"]
        return self.folder.is_xl and getattr(vae.config, "latents_mean", None) is not None

    def normalise_encoded(self, pipe):
        """The reference's inpainting decodes with means and deviations and encodes without; with
        a mask kinora does both, as both do from a picture alone."""
        config, encode = pipe.vae.config, pipe._encode_vae_image

        def normalised(image, generator):
            scaled = encode(image, generator)
            mean, std = (torch.tensor(values).view(1, -1, 1, 1)
                         for values in (config.latents_mean, config.latents_std))
            return (scaled / config.scaling_factor - mean) * config.scaling_factor / std

        pipe._encode_vae_image = normalised

    def sensitivity(self, want):
        """How far weights that differ in their last bits carry the latents: max|a - b| / max|b|."""
        generator = torch.Generator().manual_seed(1)
        kept = []
        for part in self.folder.parts.values():
            for p in part.parameters() if hasattr(part, "parameters") else []:
                kept.append((p, p.detach().clone()))
                with torch.no_grad():
                    p.mul_(1 + 1e-7 * torch.randn(p.shape, generator=generator))
        other = self.reference()
        for p, values in kept:
            with torch.no_grad():
                p.copy_(values)
        return ((other - want).abs().max() / want.abs().max()).item()

    def reference(self):
        with torch.no_grad():
            return torch.cat([self.passes.latents(self, i) for i in range(self.count)])

    def generator(self, index):
        return torch.Generator("cpu").manual_seed(self.seed + index)

    def call(self, generator, **more):
        """Latents of one pass. more: of the pipeline's call."""
        pipe = self.pipeline()
        takes = inspect.signature(pipe.__call__).parameters
        call = dict(self.texts(pipe), num_inference_steps=self.steps, guidance_scale=self.cfg,
                    output_type="latent", generator=generator)
        optional = {"eta": self.eta, "guidance_rescale": self.rescale, "width": self.width,
                    "height": self.height, "image_guidance_scale": self.image_cfg}
        call.update({name: value for name, value in optional.items() if name in takes})
        if self.strength is not None:
            call["strength"] = self.strength
        if self.init:
            call["image"] = self.init
            if "height" not in takes:  # such a pipeline takes the picture's own size
                call["image"] = self.init.resize((self.width, self.height), Image.LANCZOS)
        if self.mask:
            call["mask_image"] = self.mask
        if self.sizes:
            a, b, c, d, e, f = self.numbers
            call.update(original_size=(b, a), crops_coords_top_left=(d, c), target_size=(f, e))
        if self.folder.kind == "refiner":
            call.update(aesthetic_score=self.scores[0],
                        negative_aesthetic_score=self.scores[1])
        if self.is_normalised() and self.mask:
            self.normalise_encoded(pipe)
        self.addition.prepare(pipe, call)
        return pipe(**call, **more).images
