#pragma once
// How much noise a model saw at each timestep of its training: from beta schedules to cumulative
// alphas and sigmas, in float32 as the reference keeps them.

#include "pipelines/schedulers/scheduler_config.h"

#include <vector>

namespace kinora::pipelines {

struct BetaDefaults { // of the scheduler class, where the config does not say
    double start = 0.0001;
    double end = 0.02;
    std::string_view schedule = "linear";
    // Beta schedules that this class knows beside linear, scaled_linear and squaredcos_cap_v2: exp,
    // laplace, sigmoid.
    std::vector<std::string_view> more = {};
};

// What becomes of rescale_betas_zero_snr, which makes the last cumulative alpha 0 and its sigma
// infinite.
enum class ZeroSnr {
    Keep,
    Lift,   // to 2^-24, as samplers over sigmas do
    Unknown // to the class, which does not ask for it
};

// Cumulative product of 1 - beta at each training timestep. Keys: num_train_timesteps, beta_start,
// beta_end, beta_schedule, trained_betas and, where the class knows it, rescale_betas_zero_snr.
// Source: Ho et al. 2020; squaredcos_cap_v2 Nichol and Dhariwal 2021; laplace Hang et al. 2024; exp
// and sigmoid as diffusers has them; rescaling Lin et al. 2024, algorithm 1.
std::vector<float> cumulativeAlphas(const SchedulerConfig& config, const BetaDefaults& defaults,
                                    ZeroSnr zeroSnr);

// sqrt((1 - a) / a) at each timestep. Throws Error{BadFile} where one is not finite and positive.
std::vector<float> trainingSigmas(const SchedulerConfig& config, const std::vector<float>& alphas);

} // namespace kinora::pipelines
