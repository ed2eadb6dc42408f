#include "pipelines/image/guidance.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/reduce.h"

namespace kinora::pipelines {

using kernels::Tensor;

Tensor guide(const Tensor& output, double scale, double rescale) {
    const int64_t pictures = output.dim(0) / 2;
    const Tensor negative = output.slice(0, pictures);
    const Tensor positive = output.slice(pictures, 2 * pictures);
    Tensor guided = kernels::linearCombination({{1 - scale, negative}, {scale, positive}});
    if (rescale <= 0) return guided;
    const Tensor ratio =
        kernels::divide(kernels::standardDeviation(positive), kernels::standardDeviation(guided));
    const Tensor rescaled =
        kernels::multiply(guided, ratio.reshape(kernels::Shape{pictures, 1, 1, 1}));
    return kernels::linearCombination({{rescale, rescaled}, {1 - rescale, guided}});
}

Tensor guideEdit(const Tensor& output, double scale, double imageScale) {
    const int64_t pictures = output.dim(0) / 3;
    const auto part = [&](int64_t i) { return output.slice(i * pictures, (i + 1) * pictures); };
    return kernels::linearCombination(
        {{1 - imageScale, part(0)}, {imageScale - scale, part(1)}, {scale, part(2)}});
}

} // namespace kinora::pipelines
