"""Which runs generate_schedulers.py compares: cases_of(sampler) lists them.

A case is {config, steps, schedule, eta, seed, begin, family}: the model's scheduler config, what the
sampler is asked for, how many steps are left out at the start (0: from noise; else from a picture
with noise), and whose align_your_steps tables are meant.
"""

SD1 = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
       "beta_schedule": "scaled_linear", "steps_offset": 1, "set_alpha_to_one": False,
       "clip_sample": False, "skip_prk_steps": True}
FLAGS = ["karras", "exponential", "beta"]
WITHOUT_RANGE = ["sgm_uniform", "simple", "align_your_steps"]
TYPES = ["epsilon", "v_prediction", "sample"]
SPACINGS = ["absent", "leading", "trailing", "linspace"]

DISTILLED = ("lcm", "tcd")
MULTISTEP = ("dpmpp_2m", "dpmpp_2m_sde")
OVER_ALPHAS = ("ddim", "ddpm", "pndm") + DISTILLED
OVER_SIGMAS = ("lms", "euler", "heun", "dpm2", "dpm2_a")
SOLVERS = MULTISTEP + ("dpmpp_2s", "deis", "unipc")
NO_SAMPLE = ("euler_a", "pndm", "dpm2", "dpm2_a")
THRESHOLDS = ("ddim", "ddpm", "lcm") + SOLVERS
CLIPS = ("ddim", "ddpm", "lcm", "heun")


class Cases:
    def __init__(self, sampler):
        self.sampler = sampler
        self.found = []
        self.types = [kind for kind in TYPES if kind != "sample" or sampler not in NO_SAMPLE]
        self.counts = [1, 2, 4, 8] if sampler in DISTILLED else [1, 2, 5, 20]

    def add(self, steps, schedule="normal", eta=0.0, begin=0, family="sd", **config):
        base = {**SD1, **config}
        self.found.append({"config": {k: v for k, v in base.items() if v != "absent"},
                           "steps": steps, "schedule": schedule, "eta": eta,
                           "seed": len(self.found) + 1, "begin": begin, "family": family})

    def add_distilled(self, steps, original, **config):
        if self.sampler in DISTILLED:
            config["original_inference_steps"] = original
        self.add(steps, **config)


def predictions_and_spacings(cases):
    sampler = cases.sampler
    for number, steps in enumerate(cases.counts):
        for index, kind in enumerate(cases.types):
            for spacing in ["absent"] if sampler in DISTILLED else SPACINGS:
                cases.add(steps, prediction_type=kind, timestep_spacing=spacing)
            # Zero SNR with epsilon divides by zero in the samplers over alphas.
            if kind != "epsilon" or sampler not in OVER_ALPHAS:
                spacing = SPACINGS[(number + index) % 4] if steps != 1 else "trailing"
                if sampler in OVER_ALPHAS and kind == "sample":
                    spacing = "trailing"
                cases.add(steps, prediction_type=kind, timestep_spacing=spacing,
                          rescale_betas_zero_snr=True)
    for number, steps in enumerate([3, 7, 13, 33, 49, 50]):
        cases.add(steps, prediction_type=cases.types[number % len(cases.types)],
                  timestep_spacing=SPACINGS[number % 4])


def training_noise(cases):
    cases.add(7, beta_schedule="linear", beta_start=1e-4, beta_end=0.02)
    cases.add(7, beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
    cases.add_distilled(7, 20, num_train_timesteps=100,
                        trained_betas=[0.001 + 0.0002 * i for i in range(100)])
    cases.add(7, beta_start="absent", beta_end="absent", beta_schedule="absent",
              steps_offset="absent", set_alpha_to_one="absent", clip_sample="absent",
              num_train_timesteps="absent", skip_prk_steps="absent")
    cases.add_distilled(6, 9, num_train_timesteps=37)
    for schedule in {"ddpm": ["laplace", "sigmoid"], "heun": ["exp"]}.get(cases.sampler, []):
        cases.add(6, beta_schedule=schedule, prediction_type="v_prediction")


def limits(cases):
    if cases.sampler in THRESHOLDS:
        cases.add(5, thresholding=True, sample_max_value=1.5, clip_sample=True)
        cases.add(5, thresholding=True, dynamic_thresholding_ratio=0.7, sample_max_value=9.0,
                  prediction_type="v_prediction")
    else:  # not known to the class
        cases.add(5, thresholding=True, sample_max_value=1.5)
    cases.add(5, clip_sample=True, clip_sample_range=0.7)
    if cases.sampler in CLIPS:
        cases.add(5, clip_sample="absent")
    if cases.sampler in OVER_ALPHAS:
        cases.add(5, set_alpha_to_one=True)


def from_a_picture(cases):
    for steps, begin in [(8, 3), (8, 1), (5, 4), (20, 7), (6, 2), (9, 3)]:
        cases.add(steps, begin=begin, prediction_type=cases.types[begin % len(cases.types)])
    cases.add(8, begin=2, timestep_spacing="trailing", prediction_type="v_prediction")


def schedules(cases):
    sampler = cases.sampler
    names = list(WITHOUT_RANGE) if sampler == "euler_a" else FLAGS + WITHOUT_RANGE
    for steps in cases.counts + [10, 14, 30]:
        for schedule in names:
            cases.add(steps, schedule, timestep_spacing=SPACINGS[(steps + len(schedule)) % 4])
    for schedule in names:
        cases.add(9, schedule, prediction_type="v_prediction", rescale_betas_zero_snr=True,
                  timestep_spacing="trailing")
        cases.add(9, schedule, beta_schedule="squaredcos_cap_v2")
        cases.add(9, schedule, begin=4)
    for steps in (4, 10, 17):
        cases.add(steps, "align_your_steps", family="xl")
    if sampler == "euler_a":
        return
    cases.add(6, use_karras_sigmas=True)
    cases.add(6, "exponential", use_karras_sigmas=True)
    for schedule in FLAGS:
        cases.add(6, schedule, sigma_min=0.05, sigma_max=10.0)
    for steps in (2, 6, 17):
        cases.add(steps, final_sigmas_type="sigma_min")
        cases.add(steps, "karras", final_sigmas_type="sigma_min")


def stochastic(cases):
    for eta in (0.3, 1.0):
        for kind in cases.types:
            cases.add(8, eta=eta, prediction_type=kind)
        cases.add(8, eta=eta, begin=3)


def distilled(cases):
    cases.add(5, original_inference_steps=100, timestep_scaling=5.0)
    cases.add(50, prediction_type="v_prediction")


def euler(cases):
    cases.add(6, interpolation_type="log_linear")
    cases.add(6, "karras", interpolation_type="log_linear")
    cases.add(6, timestep_type="continuous", prediction_type="v_prediction")
    cases.add(6, timestep_type="continuous")


def multistep(cases):
    for algorithm in ("dpmsolver++", "sde-dpmsolver++", "dpmsolver", "sde-dpmsolver"):
        final = "zero" if algorithm.endswith("++") else "sigma_min"
        for order in (1, 2, 3):
            for solver in ("midpoint", "heun"):
                if algorithm == "sde-dpmsolver" and order == 3:
                    continue
                for steps in (6, 17):
                    cases.add(steps, algorithm_type=algorithm, solver_order=order,
                              solver_type=solver, final_sigmas_type=final,
                              prediction_type=TYPES[(order + steps) % 3])
    cases.add(6, algorithm_type="dpmsolver", thresholding=True, final_sigmas_type="sigma_min")
    cases.add(20, euler_at_final=True, final_sigmas_type="sigma_min")
    cases.add(6, lower_order_final=False, final_sigmas_type="sigma_min")
    cases.add(6, lower_order_final=False, solver_order=3)
    cases.add(6, use_lu_lambdas=True)
    cases.add(6, use_lu_lambdas=True, beta_schedule="squaredcos_cap_v2")
    cases.add(6, use_lu_lambdas=True, use_exponential_sigmas=True)
    clipped(cases)
    cases.add(6, algorithm_type="deis", solver_type="logrho", final_sigmas_type="sigma_min")
    cases.add(6, solver_type="bh2")
    cases.add(6, variance_type="fixed_small")


def clipped(cases):
    cases.add(6, lambda_min_clipped=-5.1, beta_schedule="squaredcos_cap_v2")
    cases.add(6, lambda_min_clipped=-2.0, timestep_spacing="leading")


def singlestep(cases):
    for algorithm in ("dpmsolver++", "sde-dpmsolver++", "dpmsolver"):
        for final in ("zero", "sigma_min") if algorithm.endswith("++") else ("sigma_min",):
            for order in (1, 2, 3):
                for solver in ("midpoint", "heun"):
                    for steps in (6, 7, 17):
                        cases.add(steps, algorithm_type=algorithm, solver_order=order,
                                  solver_type=solver, final_sigmas_type=final,
                                  prediction_type=TYPES[(order + steps) % 3])
    for steps in (5, 6, 7, 8, 9):
        cases.add(steps, lower_order_final=True, solver_order=3, final_sigmas_type="sigma_min")
        cases.add(steps, solver_order=3, begin=2)
        cases.add(steps, solver_order=3, begin=1, solver_type="heun")
    clipped(cases)
    cases.add(6, algorithm_type="deis", solver_type="bh1", final_sigmas_type="sigma_min")


def deis(cases):
    for order in (1, 2, 3):
        for steps in (6, 14, 15, 17, 30):
            for kind in TYPES:
                cases.add(steps, solver_order=order, prediction_type=kind)
        cases.add(17, "karras", solver_order=order)
        cases.add(17, solver_order=order, begin=5)
    cases.add(6, solver_order=3, lower_order_final=False)
    cases.add(6, algorithm_type="dpmsolver++", solver_type="heun")
    cases.add(6, solver_order=3, thresholding=True)


def unipc(cases):
    for order in (1, 2, 3):
        for solver in ("bh1", "bh2"):
            for original in (True, False):
                for steps in (6, 17):
                    # With bh1 and a final sigma of zero the reference multiplies infinity by zero.
                    final = "zero" if original and solver == "bh2" else "sigma_min"
                    cases.add(steps, solver_order=order, solver_type=solver, predict_x0=original,
                              final_sigmas_type=final, prediction_type=TYPES[(order + steps) % 3])
        cases.add(9, solver_order=order, begin=3)
    cases.add(6, solver_order=3, lower_order_final=False, final_sigmas_type="sigma_min")
    cases.add(6, disable_corrector=[0, 1])
    cases.add(9, solver_order=3, disable_corrector=[3], solver_p=None)
    cases.add(6, solver_type="midpoint")
    cases.add(6, predict_x0=False, thresholding=True, final_sigmas_type="sigma_min")


def ddpm(cases):
    for kind in ("fixed_small", "fixed_small_log", "fixed_large"):
        cases.add(8, variance_type=kind)
        cases.add(8, variance_type=kind, prediction_type="v_prediction", steps_offset=0)
    cases.add(200)


def pndm(cases):
    for steps in (4, 5, 20, 33):
        for kind in cases.types:
            cases.add(steps, skip_prk_steps=False, prediction_type=kind,
                      timestep_spacing=SPACINGS[steps % 4])
    cases.add(20, skip_prk_steps=False, begin=3)
    cases.add(8, skip_prk_steps=False, begin=6)
    cases.add(200)


OWN = {"ddim": [stochastic], "ddpm": [ddpm], "pndm": [pndm], "euler": [euler],
       "dpmpp_2m": [multistep], "dpmpp_2m_sde": [clipped], "dpmpp_2s": [singlestep],
       "deis": [deis], "unipc": [unipc], "lcm": [distilled], "tcd": [distilled, stochastic]}


def cases_of(sampler):
    cases = Cases(sampler)
    predictions_and_spacings(cases)
    training_noise(cases)
    limits(cases)
    from_a_picture(cases)
    if sampler not in OVER_ALPHAS:
        schedules(cases)
    for more in OWN.get(sampler, []):
        more(cases)
    if sampler == "ddim":
        cases.add(13, steps_offset=3)
    return cases.found
