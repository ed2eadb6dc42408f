#include "pipelines/schedulers/align_your_steps.h"

#include "pipelines/schedulers/timestep_spacing.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kinora::pipelines {

namespace {

// Ten steps, and the level at which the optimisation ended, which a run replaces by zero.
using Levels = std::array<double, 11>;
constexpr Levels kStableDiffusion = {14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520,
                                     1.8841921177,  1.3943805092, 0.9642583904, 0.6523686016,
                                     0.3977456272,  0.1515232662, 0.0291671582};
constexpr Levels kStableDiffusionXl = {14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769,
                                       1.3405244945,  0.8620721141, 0.5550693289, 0.3798540708,
                                       0.2332364134,  0.1114188177, 0.0291671582};

} // namespace

std::vector<double> alignedSigmas(ModelFamily family, int steps) {
    const Levels& levels =
        family == ModelFamily::StableDiffusion ? kStableDiffusion : kStableDiffusionXl;
    const auto last = static_cast<double>(levels.size() - 1);
    std::vector<double> sigmas;
    for (double place : linspace(0, last, steps + 1)) {
        const size_t low = std::min(static_cast<size_t>(place), levels.size() - 2);
        const double weight = place - static_cast<double>(low);
        sigmas.push_back(
            std::exp((1 - weight) * std::log(levels[low]) + weight * std::log(levels[low + 1])));
    }
    sigmas.pop_back();
    return sigmas;
}

} // namespace kinora::pipelines
