#pragma once
// Noise levels of a run, for the samplers that work over sigmas.

#include "pipelines/schedulers/scheduler_config.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// The noise levels of the training timesteps, rising, and their logarithms.
struct SigmaTable {
    explicit SigmaTable(std::vector<float> levels);
    std::vector<float> sigmas;
    std::vector<float> logSigmas;

    // numpy.interp over the timesteps: linear, the ends beyond them.
    double at(double timestep) const;
    // The timestep of a noise level, between two by the logarithm; fractional.
    double timestep(double sigma) const;
};

struct SigmaRange {
    double largest, smallest;
};

// sigma_max and sigma_min of the config where it has them, else the given range.
SigmaRange sigmaRange(const SchedulerConfig& config, SigmaRange otherwise);

// The schedule that a run follows: the one asked for, or, for "normal", the one that the config's
// use_..._sigmas flags name. Throws Error{BadFile} where more than one is set.
std::string chosenSchedule(const SchedulerConfig& config, const std::string& asked);

// Falling noise levels, without the final one, and the timesteps that belong to them; fractional.
struct NoiseSteps {
    std::vector<double> sigmas, timesteps;
};

// schedule: karras (Karras et al. 2022, equation 5, rho 7), exponential (even in the logarithm),
// beta (Lee et al. 2024, both parameters 0.6), lu (Lu et al. 2022, as the reference has it), or,
// from the table alone, sgm_uniform and simple, with the formulas of ComfyUI, or, from published
// tables, align_your_steps and align_your_steps_xl.
NoiseSteps makeNoiseSteps(std::string_view schedule, const SigmaTable& table, SigmaRange range,
                          int steps);

// Whether the schedule runs down to the smallest level of its range: karras, exponential and beta.
bool followsRange(std::string_view schedule);

// The noise level after the last step: final_sigmas_type.
double finalSigma(const SchedulerConfig& config, const SigmaTable& table);

// A step with fresh noise goes down to a level below the next one, and up again by noise of
// variance up^2. In float32: down loses digits where up is near to the next level, and so it does
// in the reference.
struct AncestralStep {
    float down, up;
};
AncestralStep ancestralStep(float from, float to);

// What start noise is multiplied by. Source: diffusers' init_noise_sigma.
double startSigma(std::span<const float> sigmas, const std::string& spacing);

} // namespace kinora::pipelines
