#include "pipelines/image/guidance.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/reduce.h"

#include <algorithm>

namespace kinora::pipelines {

using kernels::Tensor;

Tensor guide(const Tensor& output, double scale, double rescale, const Tensor& more) {
    const int64_t pictures = output.dim(0) / 2;
    const Tensor negative = output.slice(0, pictures);
    const Tensor positive = output.slice(pictures, 2 * pictures);
    Tensor guided = kernels::linearCombination({{1 - scale, negative}, {scale, positive}});
    if (more) guided = kernels::add(guided, more);
    if (rescale <= 0) return guided;
    const Tensor ratio =
        kernels::divide(kernels::standardDeviation(positive), kernels::standardDeviation(guided));
    const Tensor rescaled =
        kernels::multiply(guided, ratio.reshape(kernels::Shape{pictures, 1, 1, 1}));
    return kernels::linearCombination({{rescale, rescaled}, {1 - rescale, guided}});
}

double attentionScale(double scale, double fading, double timestep) {
    constexpr double kTrainingSteps = 1000;
    return std::max(scale - fading * (kTrainingSteps - timestep), 0.0);
}

Tensor attentionGuidance(const Tensor& positive, const Tensor& perturbed,
                         std::span<const double> weights, double scale) {
    const int64_t pictures = positive.dim(0) / static_cast<int64_t>(weights.size());
    Tensor sum;
    for (size_t i = 0; i < weights.size(); ++i) {
        const int64_t first = static_cast<int64_t>(i) * pictures, end = first + pictures;
        const double factor = scale * weights[i];
        const Tensor part = kernels::linearCombination(
            {{factor, positive.slice(first, end)}, {-factor, perturbed.slice(first, end)}});
        sum = sum ? kernels::add(sum, part) : part;
    }
    return sum;
}

Tensor guideEdit(const Tensor& output, double scale, double imageScale) {
    const int64_t pictures = output.dim(0) / 3;
    const auto part = [&](int64_t i) { return output.slice(i * pictures, (i + 1) * pictures); };
    return kernels::linearCombination(
        {{1 - imageScale, part(0)}, {imageScale - scale, part(1)}, {scale, part(2)}});
}

} // namespace kinora::pipelines
