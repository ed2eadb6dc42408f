#include "pipelines/text/emphasis.h"

#include <cstddef>

namespace kinora::pipelines {

namespace {

// Sums of all rows, each as often as it counts.
double weightedSum(std::span<const float> states, std::span<const int64_t> times) {
    const size_t rowSize = states.size() / times.size();
    double sum = 0;
    for (size_t row = 0; row < times.size(); ++row) {
        double rowSum = 0;
        for (const float value : states.subspan(row * rowSize, rowSize)) rowSum += value;
        sum += rowSum * static_cast<double>(times[row]);
    }
    return sum;
}

} // namespace

void emphasizeKeepingMean(std::span<float> states, std::span<const float> weights,
                          std::span<const int64_t> times) {
    const size_t width = states.size() / weights.size();
    const double before = weightedSum(states, times);
    for (size_t i = 0; i < states.size(); ++i) states[i] *= weights[i / width];
    const auto ratio = static_cast<float>(before / weightedSum(states, times));
    for (float& value : states) value *= ratio;
}

void emphasizeFromEmpty(std::span<float> states, std::span<const float> weights,
                        std::span<const float> empty) {
    const size_t width = states.size() / weights.size();
    for (size_t i = 0; i < states.size(); ++i) {
        const float weight = weights[i / width], nothing = empty[i % empty.size()];
        if (weight != 1) states[i] = (states[i] - nothing) * weight + nothing;
    }
}

} // namespace kinora::pipelines
