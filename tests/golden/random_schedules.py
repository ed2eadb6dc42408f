"""The reference's scheduler for a sampler and a schedule. Schedules that no class of it knows come from
a small implementation of what is published of them (generate_schedulers.py), through the place where
the class asks for its noise levels.

    scheduler = make_scheduler(config, "euler", "sgm_uniform", "sd")
"""

import diffusers
import numpy as np
import torch

from generate_schedulers import schedule_sigmas, table

SAMPLERS = {
    "ddim": "DDIMScheduler", "ddpm": "DDPMScheduler", "pndm": "PNDMScheduler",
    "lms": "LMSDiscreteScheduler", "euler": "EulerDiscreteScheduler",
    "euler_a": "EulerAncestralDiscreteScheduler", "heun": "HeunDiscreteScheduler",
    "dpm2": "KDPM2DiscreteScheduler", "dpm2_a": "KDPM2AncestralDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler", "dpmpp_2m_sde": "DPMSolverMultistepScheduler",
    "dpmpp_2s": "DPMSolverSinglestepScheduler", "deis": "DEISMultistepScheduler",
    "unipc": "UniPCMultistepScheduler", "lcm": "LCMScheduler", "tcd": "TCDScheduler",
}
SIGMAS = ["lms", "euler", "heun", "dpm2", "dpm2_a", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2s",
          "deis", "unipc"]
FLAGS = ["karras", "exponential", "beta"]
PUBLISHED = ["sgm_uniform", "simple", "align_your_steps"]
FRACTIONAL = ("lms", "heun", "dpm2", "dpm2_a")  # classes whose timesteps are no whole numbers


def schedules_of(sampler):
    if sampler == "euler_a":
        return PUBLISHED
    return FLAGS + PUBLISHED if sampler in SIGMAS else []


def make_scheduler(config, sampler, schedule, family):
    """config: as the pipeline has it; family: "sd" or "xl"."""
    cls = getattr(diffusers, SAMPLERS[sampler])
    more = {}
    if schedule in FLAGS:
        more[f"use_{schedule}_sigmas"] = True
    if sampler == "dpmpp_2m_sde":
        more["algorithm_type"] = "sde-dpmsolver++"
    if sampler == "pndm":
        more["skip_prk_steps"] = True
    # Another class than the model's takes only what was said, as in diffusers' from_config.
    unsaid = config.get("_use_default_values", ()) if cls.__name__ != config["_class_name"] else ()
    said = {k: v for k, v in config.items() if not k.startswith("_") and k not in unsaid}
    if schedule not in PUBLISHED:
        return cls.from_config(said, **more)
    return following(cls, said, more, sampler, schedule, family)


def following(cls, said, more, sampler, schedule, family):
    """A scheduler whose set_timesteps gives it the noise levels of the schedule."""
    known = "exponential" if sampler in FRACTIONAL else "karras"
    if sampler not in ("euler", "euler_a"):
        more = {**more, **{f"use_{name}_sigmas": name == known for name in FLAGS}}
        said = {**said, "use_lu_lambdas": False}
    scheduler = cls.from_config(said, **more)
    own = scheduler.set_timesteps

    def set_timesteps(steps, device=None):
        sigmas, timesteps = schedule_sigmas(schedule, table(scheduler), steps, family)
        if sampler == "euler":
            own(sigmas=sigmas + [0.0], device=device)
            return
        setattr(scheduler, f"_convert_to_{known}", lambda in_sigmas, **_: np.array(sigmas))
        own(steps, device=device)
        if sampler == "euler_a":
            scheduler.sigmas = torch.tensor(sigmas + [0.0], dtype=torch.float32)
            scheduler.timesteps = torch.from_numpy(timesteps.astype(np.float32))
        elif sampler not in FRACTIONAL:
            scheduler.timesteps = torch.from_numpy(timesteps.round()).to(torch.int64)
        smallest = float(table(scheduler)[0])  # where these runs end that do not end at zero
        if sampler == "deis" or (sampler == "unipc" and scheduler.sigmas[-1] > 0):
            scheduler.sigmas[-1] = smallest

    scheduler.set_timesteps = set_timesteps
    return scheduler
