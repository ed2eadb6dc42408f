#include "pipelines/schedulers/sigma_scheduler.h"

#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/timestep_spacing.h"

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {

using kernels::Tensor;

namespace {

std::string spacingOf(const SchedulerConfig& config) {
    return config.choice("timestep_spacing", "linspace", {"linspace", "leading", "trailing"});
}

// Rounded to float32, as the reference holds them.
std::vector<double> spacedTimesteps(const SchedulerConfig& config, int steps) {
    const int64_t train = config.trainTimesteps();
    const std::string spacing = spacingOf(config);
    if (spacing == "leading")
        return leadingTimesteps(train / steps, 0, steps,
                                config.integer("steps_offset", 0, 0, train));
    if (spacing == "trailing")
        return trailingTimesteps(train, static_cast<double>(train) / steps, steps);
    std::vector<double> timesteps = linspace(0, static_cast<double>(train - 1), steps);
    for (double& timestep : timesteps) timestep = static_cast<float>(timestep);
    std::ranges::reverse(timesteps);
    return timesteps;
}

} // namespace

Tensor SigmaScheduler::scaleModelInput(const Tensor& latents, int call) const {
    const double sigma = inputSigma(call);
    return combine({{1 / std::sqrt(sigma * sigma + 1), latents}});
}

NoiseSteps SigmaScheduler::spacedSteps(const SchedulerConfig& config, const SigmaTable& table,
                                       int steps) {
    checkSteps(steps, config.trainTimesteps(), "the model's training timesteps");
    NoiseSteps spaced{{}, spacedTimesteps(config, steps)};
    for (double timestep : spaced.timesteps) spaced.sigmas.push_back(table.at(timestep));
    return spaced;
}

NoiseSteps SigmaScheduler::scheduledSteps(const SchedulerConfig& config, const SigmaTable& table,
                                          const NoiseSteps& spaced, const std::string& schedule,
                                          int steps) {
    const SigmaRange range = sigmaRange(config, {spaced.sigmas.front(), spaced.sigmas.back()});
    NoiseSteps chosen = makeNoiseSteps(schedule, table, range, steps);
    for (double& timestep : chosen.timesteps) timestep = static_cast<float>(timestep);
    return chosen;
}

NoiseSteps SigmaScheduler::chosenSteps(const SchedulerConfig& config, const SigmaTable& table,
                                       const SchedulerOptions& options) {
    NoiseSteps spaced = spacedSteps(config, table, options.steps);
    const std::string schedule = chosenSchedule(config, options.schedule);
    if (schedule == "normal") return spaced;
    return scheduledSteps(config, table, spaced, schedule, options.steps);
}

void SigmaScheduler::takeSteps(const SchedulerConfig& config, const NoiseSteps& steps,
                               double final) {
    m_timesteps = steps.timesteps;
    m_sigmas.assign(steps.sigmas.begin(), steps.sigmas.end());
    m_sigmas.push_back(static_cast<float>(final));
    m_startSigma = startSigma(m_sigmas, spacingOf(config));
}

Tensor eulerOriginal(Prediction prediction, double sigma, const Tensor& latents,
                     const Tensor& modelOutput) {
    const Blend blend = originalFromSigma(prediction, sigma);
    const Tensor predicted = combine({{blend.output, modelOutput}});
    return combine({{blend.sample, latents}, {1, predicted}});
}

Tensor eulerDerivative(const Tensor& latents, const Tensor& original, float sigma) {
    const Tensor difference = combine({{1, latents}, {-1, original}});
    return combine({{1 / double{sigma}, difference}});
}

Tensor eulerMove(const Tensor& latents, const Tensor& derivative, float distance) {
    const Tensor move = combine({{distance, derivative}});
    return combine({{1, latents}, {1, move}});
}

} // namespace kinora::pipelines
