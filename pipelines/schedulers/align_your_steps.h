#pragma once
// Noise levels that were optimised for few steps. Source: Sabour et al. 2024, "Align Your Steps",
// and the tables that its authors publish for Stable Diffusion 1.5 and XL.

#include "pipelines/schedulers/scheduler.h"

#include <vector>

namespace kinora::pipelines {

// Falling noise levels for `steps` steps, without the final zero: the published table of ten steps,
// or, for other counts, its levels interpolated in the logarithm.
std::vector<double> alignedSigmas(ModelFamily family, int steps);

} // namespace kinora::pipelines
