#include "pipelines/schedulers/alpha_scheduler.h"

#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/timestep_spacing.h"

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {

using kernels::Tensor;

AlphaScheduler::AlphaScheduler(const SchedulerConfig& config, const BetaDefaults& defaults,
                               ZeroSnr zeroSnr)
    : m_alphas(cumulativeAlphas(config, defaults, zeroSnr)), m_prediction(predictionType(config)) {}

NoiseMix AlphaScheduler::noiseMix(int call) const {
    const double alpha = alphaAt(timestepAt(call));
    return {std::sqrt(alpha), std::sqrt(1 - alpha)};
}

void AlphaScheduler::spaceTimesteps(const SchedulerConfig& config, int steps) {
    const int64_t train = config.trainTimesteps();
    checkSteps(steps, train, "the model's training timesteps");
    const std::string spacing =
        config.choice("timestep_spacing", "leading", {"leading", "trailing", "linspace"});
    if (spacing == "leading") {
        m_timesteps =
            leadingTimesteps(train / steps, 0, steps, config.integer("steps_offset", 0, 0, train));
    } else if (spacing == "trailing") {
        m_timesteps = trailingTimesteps(train, static_cast<double>(train) / steps, steps);
    } else {
        m_timesteps = linspace(0, static_cast<double>(train - 1), steps);
        for (double& timestep : m_timesteps) timestep = std::nearbyint(timestep);
        std::ranges::reverse(m_timesteps);
    }
    if (m_timesteps.front() < static_cast<double>(train)) return;
    // An offset that fewer steps leave room for is as it should be.
    constexpr int64_t kFew = 20;
    const int64_t offset = config.integer("steps_offset", 0, 0, train);
    if (offset < train / kFew)
        checkSteps(steps, std::min<int64_t>(steps - 1, train - offset),
                   "the model's timesteps do not begin at the first");
    config.bad("steps_offset", "one that keeps the first of " + std::to_string(steps) +
                                   " steps within the training timesteps");
}

void AlphaScheduler::spaceDistilledTimesteps(const SchedulerConfig& config, int steps) {
    const int64_t train = config.trainTimesteps();
    const int64_t original = config.integer("original_inference_steps", 50, 1, train);
    checkSteps(steps, original, "the steps that the model was distilled with");
    const int64_t stride = train / original;
    const double skip = static_cast<double>(original) / steps;
    for (int i = 0; i < steps; ++i) {
        const auto index = static_cast<int64_t>(std::floor(i * skip));
        m_timesteps.push_back(static_cast<double>((original - index) * stride - 1));
    }
}

float AlphaScheduler::finalAlpha(const SchedulerConfig& config, bool oneByDefault) const {
    return config.flag("set_alpha_to_one", oneByDefault) ? 1.0f : m_alphas.front();
}

Tensor AlphaScheduler::originalAt(int call, const Tensor& latents,
                                  const Tensor& modelOutput) const {
    const NoiseMix mix = noiseMix(call);
    return originalFrom(m_prediction, mix.picture, mix.noise)(latents, modelOutput);
}

} // namespace kinora::pipelines
