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
};

// What becomes of a cumulative alpha of 0, whose sigma would be infinite.
enum class ZeroSnr { Keep, Lift }; // Lift: to 2^-24, as the samplers over sigmas do

// Cumulative product of 1 - beta at each training timestep. Keys: num_train_timesteps, beta_start,
// beta_end, beta_schedule, trained_betas and, where the class knows it, rescale_betas_zero_snr.
// Source: Ho et al. 2020; squaredcos_cap_v2 Nichol and Dhariwal 2021; rescaling Lin et al. 2024,
// algorithm 1.
std::vector<float> cumulativeAlphas(const SchedulerConfig& config, const BetaDefaults& defaults,
                                    ZeroSnr zeroSnr);

// sqrt((1 - a) / a) at each timestep. Throws Error{BadFile} where one is not finite and positive.
std::vector<float> trainingSigmas(const SchedulerConfig& config, const std::vector<float>& alphas);

} // namespace kinora::pipelines
