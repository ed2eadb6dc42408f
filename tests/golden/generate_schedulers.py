"""Trajectories of diffusers' schedulers with a denoiser that both sides can compute:
data/schedulers/<sampler>.safetensors.

One tensor per case: the timesteps, the x0 estimate after the first call (where the class gives
one: 24 values), the final latents (24 values). What a case is stands in the file's metadata, key
"cases": name to {config, steps, schedule, eta, seed, begin, family, calls, startSigma, denoised,
rounding} (scheduler_cases.py). rounding: how far the class's float32 arithmetic carries its own
result from the same run in double, relative to the largest value. Latents are [1, 2, 3, 4] in NCHW; the noise is the generator's first draw.
Where `begin` steps are left out, the start is the class's add_noise of 0.7 pattern and that noise.

    denoiser(x, t) = 0.35 x + 0.2 roll(x) + (0.4 + 0.0005 t) pattern

in double over the flat values, rolled by one, pattern[i] = sin(i + 1), rounded to float32.

Needs scipy for the beta schedule.
"""

import argparse
import contextlib
import inspect
import json
import os
import warnings

import numpy as np
import torch
from diffusers import (DDIMScheduler, DDPMScheduler, DEISMultistepScheduler,
                       DPMSolverMultistepScheduler, DPMSolverSinglestepScheduler,
                       EulerAncestralDiscreteScheduler, EulerDiscreteScheduler,
                       HeunDiscreteScheduler, KDPM2AncestralDiscreteScheduler,
                       KDPM2DiscreteScheduler, LCMScheduler, LMSDiscreteScheduler, PNDMScheduler,
                       TCDScheduler, UniPCMultistepScheduler)
from diffusers.utils import logging
from safetensors.torch import save_file

from scheduler_cases import FLAGS, WITHOUT_RANGE, cases_of
from versions import write_versions

SHAPE = (1, 2, 3, 4)
PATTERN = torch.sin(torch.arange(24, dtype=torch.float64) + 1)
CLASSES = {"ddim": DDIMScheduler, "ddpm": DDPMScheduler, "pndm": PNDMScheduler,
           "lms": LMSDiscreteScheduler, "euler": EulerDiscreteScheduler,
           "euler_a": EulerAncestralDiscreteScheduler, "heun": HeunDiscreteScheduler,
           "dpm2": KDPM2DiscreteScheduler, "dpm2_a": KDPM2AncestralDiscreteScheduler,
           "dpmpp_2m": DPMSolverMultistepScheduler, "dpmpp_2m_sde": DPMSolverMultistepScheduler,
           "dpmpp_2s": DPMSolverSinglestepScheduler, "deis": DEISMultistepScheduler,
           "unipc": UniPCMultistepScheduler, "lcm": LCMScheduler, "tcd": TCDScheduler}
# The published noise levels of Align Your Steps, ten steps and the end of the optimisation.
ALIGNED = {"sd": [14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177,
                  1.3943805092, 0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662,
                  0.0291671582],
           "xl": [14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945,
                  0.8620721141, 0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177,
                  0.0291671582]}


def denoiser(sample, timestep):
    flat = sample.double().flatten()
    out = 0.35 * flat + 0.2 * torch.roll(flat, 1) + (0.4 + 0.0005 * float(timestep)) * PATTERN
    return out.to(sample.dtype).reshape(SHAPE)


def in_double(scheduler):
    """The same scheduler with its float32 tables as doubles."""
    for name, value in vars(scheduler).items():
        if isinstance(value, torch.Tensor) and value.dtype == torch.float32:
            setattr(scheduler, name, value.double())
    return scheduler


@contextlib.contextmanager
def draws_in_float32():
    """Doubles are drawn by other random numbers than floats are: these are drawn as floats."""
    randn = torch.randn

    def drawn(*shape, dtype=None, **rest):
        return randn(*shape, **rest).to(dtype or torch.float32)
    torch.randn = drawn
    try:
        yield
    finally:
        torch.randn = randn


def table(scheduler):
    alphas = scheduler.alphas_cumprod
    return ((1 - alphas) / alphas) ** 0.5


def aligned_sigmas(family, steps):
    """Log-linear between the published levels, as their authors describe; the last becomes 0."""
    levels = ALIGNED[family]
    places = np.linspace(0, len(levels) - 1, steps + 1)
    return np.exp(np.interp(places, np.arange(len(levels)), np.log(levels)))[:-1].tolist()


def schedule_sigmas(schedule, sigmas, steps, family):
    """ComfyUI's schedules, from their description, and align_your_steps: falling, without the
    final zero, and the timesteps that they stand for."""
    if schedule == "simple":
        stride = len(sigmas) / steps
        indices = [len(sigmas) - 1 - int(i * stride) for i in range(steps)]
        return [float(sigmas[i]) for i in indices], np.array(indices, dtype=np.float64)
    logs = sigmas.log().double()
    if schedule == "align_your_steps":
        chosen = aligned_sigmas(family, steps)
        to_timestep = EulerDiscreteScheduler._sigma_to_t
        return chosen, np.array([to_timestep(None, np.array(sigma), sigmas.log().numpy())
                                 for sigma in chosen], dtype=np.float64)
    chosen = []
    positions = np.linspace(len(sigmas) - 1, 0, steps + 1)[:-1]
    for position in positions:
        low = int(position)
        high = min(low + 1, len(sigmas) - 1)
        weight = position - low
        chosen.append(float(((1 - weight) * logs[low] + weight * logs[high]).exp()))
    return chosen, positions


def follow(sampler, config, schedule, steps, family):
    """Gives a scheduler whose class does not know the schedule its noise levels: through the place
    where the class asks for those of a schedule that it knows."""
    fractional = sampler in ("lms", "heun", "dpm2", "dpm2_a")
    known = "exponential" if fractional else "karras"
    if sampler in ("euler", "euler_a"):
        scheduler = CLASSES[sampler].from_config(config)
    else:
        flags = {f"use_{name}_sigmas": name == known for name in FLAGS}
        scheduler = CLASSES[sampler].from_config({**config, **flags, "use_lu_lambdas": False})
    sigmas, timesteps = schedule_sigmas(schedule, table(scheduler), steps, family)
    if sampler == "euler":
        scheduler.set_timesteps(sigmas=sigmas + [0.0])
        return scheduler
    setattr(scheduler, f"_convert_to_{known}", lambda in_sigmas, **_: np.array(sigmas))
    scheduler.set_timesteps(steps)
    if sampler == "euler_a":
        scheduler.sigmas = torch.tensor(sigmas + [0.0], dtype=torch.float32)
        scheduler.timesteps = torch.from_numpy(timesteps.astype(np.float32))
    elif not fractional:
        scheduler.timesteps = torch.from_numpy(timesteps.round()).to(torch.int64)
    smallest = float(table(scheduler)[0])  # where these runs end that do not end at zero
    if sampler == "deis" or (sampler == "unipc" and scheduler.sigmas[-1] > 0):
        scheduler.sigmas[-1] = smallest
    return scheduler


def make(sampler, config, schedule, steps, family="sd"):
    config = dict(config)
    for name in FLAGS:
        if schedule in FLAGS:
            config[f"use_{name}_sigmas"] = name == schedule
    if sampler == "pndm":
        config.setdefault("skip_prk_steps", True)
    if sampler == "dpmpp_2m_sde":
        config["algorithm_type"] = "sde-dpmsolver++"
    if schedule in WITHOUT_RANGE:
        return follow(sampler, config, schedule, steps, family)
    scheduler = CLASSES[sampler].from_config(config)
    scheduler.set_timesteps(steps)
    return scheduler


def start(scheduler, first, generator, dtype):
    """The latents before call `first`."""
    noise = torch.randn(SHAPE, generator=generator).to(dtype)
    # A timestep that comes twice at the start would make the class begin at the second: the
    # pipelines for image to image set the beginning, and so does this.
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    if first == 0:
        return noise * scheduler.init_noise_sigma
    picture = (0.7 * PATTERN).float().to(dtype).reshape(SHAPE)
    return scheduler.add_noise(picture, noise, scheduler.timesteps[first:first + 1])


def trajectory(sampler, case, dtype):
    """Scheduler, timesteps, x0 after the first call (or None), final latents."""
    scheduler = make(sampler, case["config"], case["schedule"], case["steps"], case["family"])
    if dtype == torch.float64:
        scheduler = in_double(scheduler)
    generator = torch.Generator("cpu").manual_seed(case["seed"])
    latents = start(scheduler, case["begin"] * scheduler.order, generator, dtype)
    takes = inspect.signature(scheduler.step).parameters
    extra = {"eta": case["eta"], "generator": generator}
    extra = {name: value for name, value in extra.items() if name in takes}
    first = None
    timesteps = scheduler.timesteps[case["begin"] * scheduler.order:]
    for timestep in timesteps:
        output = denoiser(scheduler.scale_model_input(latents, timestep), timestep)
        with draws_in_float32():
            result = scheduler.step(output, timestep, latents, **extra)
        if first is None:
            first = result.get("pred_original_sample", result.get("denoised"))
        latents = result.prev_sample
    return scheduler, timesteps, first, latents.flatten()


def run(sampler, case):
    scheduler, timesteps, first, latents = trajectory(sampler, case, torch.float32)
    exact = trajectory(sampler, case, torch.float64)[3]
    rounding = float((latents - exact).abs().max() / exact.abs().max())
    case["calls"] = len(timesteps)
    case["startSigma"] = float(scheduler.init_noise_sigma)
    case["denoised"] = first is not None
    case["rounding"] = float(f"{rounding:.2g}")
    parts = [timesteps.float()]
    parts += [] if first is None else [first.flatten()]
    return torch.cat(parts + [latents]).float()


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(here, "data", "schedulers"))
    parser.add_argument("names", nargs="*", help="which samplers (all of them)")
    arguments = parser.parse_args()
    folder = arguments.out
    os.makedirs(folder, exist_ok=True)
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    for sampler in arguments.names or CLASSES:
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
