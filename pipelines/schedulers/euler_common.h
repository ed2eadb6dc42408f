#pragma once
// What the Euler samplers share: timesteps, which are fractional where the spacing is, and steps.

#include "kernels/tensor/tensor.h"
#include "pipelines/schedulers/prediction.h"
#include "pipelines/schedulers/scheduler_config.h"

#include <string>
#include <vector>

namespace kinora::pipelines {

// timestep_spacing, linspace where the config does not say.
std::string eulerSpacing(const SchedulerConfig& config);

// Rounded to float32, as the reference holds them.
std::vector<double> eulerTimesteps(const SchedulerConfig& config, int steps);

// Latents are x0 + sigma * noise. These round to float32 after each operation, as the reference
// does: with zero terminal SNR the first sigma is 4096, and what is lost there is seen in the
// result.
kernels::Tensor eulerOriginal(Prediction prediction, double sigma, const kernels::Tensor& latents,
                              const kernels::Tensor& modelOutput);
// x + (x - x0) / sigma * (next - sigma)
kernels::Tensor eulerMove(const kernels::Tensor& latents, const kernels::Tensor& original,
                          float sigma, float next);

} // namespace kinora::pipelines
