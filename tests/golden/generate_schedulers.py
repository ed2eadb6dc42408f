"""Trajectories of diffusers' schedulers with a denoiser that both sides can compute:
data/schedulers/<sampler>.safetensors.

One tensor per case: the timesteps, the x0 estimate after the first step (where the class gives
one: 24 values), the final latents (24 values). What a case is stands in the file's metadata, key
"cases": name to {config, steps, schedule, eta, seed, calls, startSigma, denoised}. Latents are
[1, 2, 3, 4] in NCHW; the start noise is the generator's first draw.

    denoiser(x, t) = 0.35 x + 0.2 roll(x) + (0.4 + 0.0005 t) pattern

in double over the flat values, rolled by one, pattern[i] = sin(i + 1), rounded to float32.

Needs scipy for the beta schedule.
"""

import argparse
import json
import os

import numpy as np
import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler,
                       EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, LCMScheduler)
from safetensors.torch import save_file

from versions import write_versions

SHAPE = (1, 2, 3, 4)
PATTERN = torch.sin(torch.arange(24, dtype=torch.float64) + 1)
CLASSES = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler,
           "euler_a": EulerAncestralDiscreteScheduler, "dpmpp_2m": DPMSolverMultistepScheduler,
           "lcm": LCMScheduler}
SD1 = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
       "beta_schedule": "scaled_linear", "steps_offset": 1, "set_alpha_to_one": False,
       "clip_sample": False, "skip_prk_steps": True}
FLAGS = ["karras", "exponential", "beta"]


def denoiser(sample, timestep):
    flat = sample.double().flatten()
    out = 0.35 * flat + 0.2 * torch.roll(flat, 1) + (0.4 + 0.0005 * float(timestep)) * PATTERN
    return out.float().reshape(SHAPE)


def table(scheduler):
    alphas = scheduler.alphas_cumprod
    return ((1 - alphas) / alphas) ** 0.5


def comfy_sigmas(schedule, sigmas, steps):
    """ComfyUI's schedules, from their description: falling, without the final zero, and the
    timesteps that they stand for."""
    if schedule == "simple":
        stride = len(sigmas) / steps
        indices = [len(sigmas) - 1 - int(i * stride) for i in range(steps)]
        return [float(sigmas[i]) for i in indices], np.array(indices, dtype=np.float64)
    logs = sigmas.log().double()
    chosen = []
    positions = np.linspace(len(sigmas) - 1, 0, steps + 1)[:-1]
    for position in positions:
        low = int(position)
        high = min(low + 1, len(sigmas) - 1)
        weight = position - low
        chosen.append(float(((1 - weight) * logs[low] + weight * logs[high]).exp()))
    return chosen, positions


def follow(scheduler, sampler, schedule, steps):
    """Gives a scheduler whose class does not know the schedule its noise levels."""
    sigmas, timesteps = comfy_sigmas(schedule, table(scheduler), steps)
    if sampler == "euler":
        scheduler.set_timesteps(sigmas=sigmas + [0.0])
        return
    scheduler.set_timesteps(steps)
    scheduler.sigmas = torch.tensor(sigmas + [0.0], dtype=torch.float32)
    if sampler == "dpmpp_2m":
        scheduler.timesteps = torch.from_numpy(timesteps.round()).to(torch.int64)
    else:
        scheduler.timesteps = torch.from_numpy(timesteps.astype(np.float32))


def make(sampler, config, schedule, steps):
    config = dict(config)
    for name in FLAGS:
        if schedule in FLAGS:
            config[f"use_{name}_sigmas"] = name == schedule
    scheduler = CLASSES[sampler].from_config(config)
    if schedule in ("sgm_uniform", "simple"):
        follow(scheduler, sampler, schedule, steps)
    else:
        scheduler.set_timesteps(steps)
    return scheduler


def run(sampler, case):
    scheduler = make(sampler, case["config"], case["schedule"], case["steps"])
    generator = torch.Generator("cpu").manual_seed(case["seed"])
    # A timestep that comes twice at the start would make the class begin at the second: the
    # pipelines for image to image set the beginning, and so does this.
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)
    latents = torch.randn(SHAPE, generator=generator) * scheduler.init_noise_sigma
    first = None
    for timestep in scheduler.timesteps:
        output = denoiser(scheduler.scale_model_input(latents, timestep), timestep)
        extra = {"eta": case["eta"]} if sampler == "ddim" else {}
        extra["generator"] = generator
        result = scheduler.step(output, timestep, latents, **extra)
        if first is None:
            first = result.get("pred_original_sample", result.get("denoised"))
        latents = result.prev_sample
    case["calls"] = len(scheduler.timesteps)
    case["startSigma"] = float(scheduler.init_noise_sigma)
    case["denoised"] = first is not None
    parts = [scheduler.timesteps.float()]
    parts += [] if first is None else [first.flatten()]
    return torch.cat(parts + [latents.flatten()]).float()


def cases_of(sampler):
    found = []

    def add(steps, schedule="normal", eta=0.0, **config):
        base = {**SD1, **config}
        seed = len(found) + 1
        found.append({"config": {k: v for k, v in base.items() if v != "absent"},
                      "steps": steps, "schedule": schedule, "eta": eta, "seed": seed})

    counts = [1, 2, 4, 8] if sampler == "lcm" else [1, 2, 5, 20]
    types = ["epsilon", "v_prediction", "sample"]
    if sampler == "euler_a":
        types.remove("sample")
    spacings = ["absent", "leading", "trailing", "linspace"]
    for number, steps in enumerate(counts):
        for index, kind in enumerate(types):
            for spacing in ["absent"] if sampler == "lcm" else spacings:
                add(steps, prediction_type=kind, timestep_spacing=spacing)
            # Zero SNR with epsilon divides by zero in the samplers over alphas.
            if kind != "epsilon" or sampler in ("euler", "euler_a", "dpmpp_2m"):
                spacing = spacings[(number + index) % 4] if steps != 1 else "trailing"
                if sampler in ("ddim", "lcm") and kind == "sample":
                    spacing = "trailing"
                add(steps, prediction_type=kind, timestep_spacing=spacing,
                    rescale_betas_zero_snr=True)
    add(7, beta_schedule="linear", beta_start=1e-4, beta_end=0.02)
    add(7, beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
    add(7, num_train_timesteps=100, trained_betas=[0.001 + 0.0002 * i for i in range(100)],
        **({"original_inference_steps": 20} if sampler == "lcm" else {}))
    add(7, beta_start="absent", beta_end="absent", beta_schedule="absent",
        steps_offset="absent", set_alpha_to_one="absent", clip_sample="absent",
        num_train_timesteps="absent")
    add(6, num_train_timesteps=37, **({"original_inference_steps": 9} if sampler == "lcm" else {}))
    if sampler in ("ddim", "dpmpp_2m", "lcm"):
        add(5, thresholding=True, sample_max_value=1.5, clip_sample=True)
        add(5, thresholding=True, dynamic_thresholding_ratio=0.7, sample_max_value=9.0,
            prediction_type="v_prediction")
    if sampler in ("ddim", "lcm"):
        add(5, clip_sample=True, clip_sample_range=0.7)
        add(5, clip_sample="absent")
        add(5, set_alpha_to_one=True)
    if sampler == "ddim":
        for eta in (0.3, 1.0):
            for kind in types:
                add(8, eta=eta, prediction_type=kind)
        add(13, steps_offset=3)
        add(33, timestep_spacing="trailing")
    if sampler == "lcm":
        add(5, original_inference_steps=100, timestep_scaling=5.0)
        add(50, prediction_type="v_prediction")
    if sampler in ("euler", "dpmpp_2m"):
        for steps in counts + [14, 30]:
            for schedule in FLAGS + ["sgm_uniform", "simple"]:
                spacing = spacings[(steps + len(schedule)) % 4]
                add(steps, schedule, timestep_spacing=spacing)
        for schedule in FLAGS + ["sgm_uniform", "simple"]:
            add(9, schedule, prediction_type="v_prediction", rescale_betas_zero_snr=True,
                timestep_spacing="trailing")
            add(9, schedule, beta_schedule="squaredcos_cap_v2")
        add(6, use_karras_sigmas=True)
        add(6, "exponential", use_karras_sigmas=True)
        add(6, "karras", sigma_min=0.05, sigma_max=10.0)
        add(6, "beta", sigma_min=0.05, sigma_max=10.0)
        for steps in (2, 6, 17):
            add(steps, final_sigmas_type="sigma_min")
            add(steps, "karras", final_sigmas_type="sigma_min")
    if sampler == "euler_a":
        for steps in counts + [14]:
            for schedule in ("sgm_uniform", "simple"):
                add(steps, schedule)
    if sampler == "euler":
        add(6, interpolation_type="log_linear")
        add(6, "karras", interpolation_type="log_linear")
        add(6, timestep_type="continuous", prediction_type="v_prediction")
        add(6, timestep_type="continuous")
    if sampler == "dpmpp_2m":
        for algorithm in ("dpmsolver++", "sde-dpmsolver++", "dpmsolver", "sde-dpmsolver"):
            final = "zero" if algorithm.endswith("++") else "sigma_min"
            for order in (1, 2, 3):
                for solver in ("midpoint", "heun"):
                    if algorithm == "sde-dpmsolver" and order == 3:
                        continue
                    for steps in (6, 17):
                        add(steps, algorithm_type=algorithm, solver_order=order,
                            solver_type=solver, final_sigmas_type=final,
                            prediction_type=types[(order + steps) % 3])
        add(6, algorithm_type="dpmsolver", thresholding=True, final_sigmas_type="sigma_min")
        add(20, euler_at_final=True, final_sigmas_type="sigma_min")
        add(6, lower_order_final=False, final_sigmas_type="sigma_min")
        add(6, lower_order_final=False, solver_order=3)
        add(6, use_lu_lambdas=True)
        add(6, use_lu_lambdas=True, beta_schedule="squaredcos_cap_v2")
        add(6, use_lu_lambdas=True, use_exponential_sigmas=True)
        add(6, lambda_min_clipped=-5.1, beta_schedule="squaredcos_cap_v2")
        add(6, lambda_min_clipped=-2.0, timestep_spacing="leading")
        add(6, algorithm_type="deis", solver_type="logrho", final_sigmas_type="sigma_min")
        add(6, solver_type="bh2")
    return found


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(here, "data", "schedulers"))
    folder = parser.parse_args().out
    os.makedirs(folder, exist_ok=True)
    for sampler in CLASSES:
        cases = cases_of(sampler)
        tensors = {f"{i:03}": run(sampler, case) for i, case in enumerate(cases)}
        bad = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
        for name in bad:
            print(sampler, "not finite, left out:", cases[int(name)])
            tensors.pop(name)
        kept = {name: cases[int(name)] for name in tensors}
        save_file(tensors, os.path.join(folder, f"{sampler}.safetensors"),
                  {"cases": json.dumps(kept, separators=(",", ":"))})
        os.chmod(os.path.join(folder, f"{sampler}.safetensors"), 0o644)
        print(sampler, len(kept), "cases")
    write_versions(folder, ["torch", "diffusers", "numpy", "scipy", "safetensors"])


if __name__ == "__main__":
    main()
