#include "pipelines/schedulers/timestep_spacing.h"

#include <cmath>

namespace kinora::pipelines {

std::vector<double> linspace(double start, double end, int count) {
    std::vector<double> points;
    const double step = count > 1 ? (end - start) / (count - 1) : 0;
    for (int i = 0; i < count; ++i)
        points.push_back(i > 0 && i == count - 1 ? end : i * step + start);
    return points;
}

std::vector<double> leadingTimesteps(int64_t ratio, int first, int count, int64_t offset) {
    std::vector<double> timesteps;
    for (int64_t i = first + count - 1; i >= first; --i)
        timesteps.push_back(static_cast<double>(i * ratio + offset));
    return timesteps;
}

std::vector<double> trailingTimesteps(int64_t from, double ratio, int count) {
    std::vector<double> timesteps;
    for (int i = 0; i < count; ++i) {
        // std::nearbyint rounds halves to even, as numpy does.
        const double timestep = std::nearbyint(static_cast<double>(from) + i * -ratio) - 1;
        if (timestep < 0) break;
        timesteps.push_back(timestep);
    }
    return timesteps;
}

} // namespace kinora::pipelines
