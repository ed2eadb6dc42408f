#include "pipelines/schedulers/euler_common.h"

#include "pipelines/schedulers/timestep_spacing.h"

#include <algorithm>

namespace kinora::pipelines {

using kernels::Tensor;

std::string eulerSpacing(const SchedulerConfig& config) {
    return config.choice("timestep_spacing", "linspace", {"linspace", "leading", "trailing"});
}

std::vector<double> eulerTimesteps(const SchedulerConfig& config, int steps) {
    const int64_t train = config.trainTimesteps();
    const std::string spacing = eulerSpacing(config);
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

Tensor eulerOriginal(Prediction prediction, double sigma, const Tensor& latents,
                     const Tensor& modelOutput) {
    const Blend blend = originalFromSigma(prediction, sigma);
    const Tensor predicted = combine({{blend.output, modelOutput}});
    return combine({{blend.sample, latents}, {1, predicted}});
}

Tensor eulerMove(const Tensor& latents, const Tensor& original, float sigma, float next) {
    const Tensor difference = combine({{1, latents}, {-1, original}});
    const Tensor derivative = combine({{1 / double{sigma}, difference}});
    const Tensor move = combine({{next - sigma, derivative}});
    return combine({{1, latents}, {1, move}});
}

} // namespace kinora::pipelines
