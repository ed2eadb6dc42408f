#include "pipelines/denoisers/free_u_stage.h"

#include "kernels/backend/device.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/matmul.h"

#include <cmath>
#include <numbers>
#include <vector>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

// The real and imaginary part of each of the frequencies over all positions, [waves, H * W]. A side
// of one position has one frequency only.
std::vector<float> wavesOver(int64_t height, int64_t width) {
    std::vector<float> waves;
    for (int64_t down = 0; down < (height > 1 ? 2 : 1); ++down)
        for (int64_t across = 0; across < (width > 1 ? 2 : 1); ++across)
            for (const bool imaginary : {false, true})
                for (int64_t y = 0; y < height; ++y)
                    for (int64_t x = 0; x < width; ++x) {
                        const double angle =
                            2 * std::numbers::pi *
                            (static_cast<double>(down * y) / static_cast<double>(height) +
                             static_cast<double>(across * x) / static_cast<double>(width));
                        waves.push_back(
                            static_cast<float>(imaginary ? std::sin(angle) : std::cos(angle)));
                    }
    return waves;
}

} // namespace

std::optional<FreeUStage> freeUStage(const std::optional<FreeU>& freeU, size_t level) {
    if (!freeU || level > 1) return std::nullopt;
    const bool first = level == 0;
    const FreeUStage stage{static_cast<float>(first ? freeU->backbone1 : freeU->backbone2),
                           static_cast<float>(first ? freeU->skip1 : freeU->skip2)};
    const bool changes = stage.backbone != 1 || stage.skip != 1;
    return changes ? std::optional(stage) : std::nullopt;
}

Tensor scaleFirstHalf(const Tensor& x, float factor) {
    if (factor == 1) return x;
    const int64_t channels = x.dim(3);
    std::vector<float> factors(static_cast<size_t>(channels), 1.0f);
    for (int64_t i = 0; i < channels / 2; ++i) factors[static_cast<size_t>(i)] = factor;
    return kernels::multiply(
        x, x.device().fromHost(factors.data(), Shape{1, 1, 1, channels}, DType::F32));
}

Tensor scaleLowFrequencies(const Tensor& x, float factor) {
    if (factor == 1) return x;
    const int64_t pictures = x.dim(0), positions = x.dim(1) * x.dim(2), channels = x.dim(3);
    const std::vector<float> values = wavesOver(x.dim(1), x.dim(2));
    const int64_t count = static_cast<int64_t>(values.size()) / positions;
    const std::vector<Tensor> copies(
        static_cast<size_t>(pictures),
        x.device().fromHost(values.data(), Shape{1, count, positions}, DType::F32));
    const Tensor waves = kernels::stack(copies);
    const Tensor all = kernels::convert(x, DType::F32).reshape({pictures, positions, channels});
    const Tensor parts = kernels::matmul(waves, all); // of each wave in x
    const float change = (factor - 1) / static_cast<float>(positions);
    const Tensor low =
        kernels::matmul(kernels::permute(waves, {0, 2, 1}), parts, kernels::Transpose::No, change);
    return kernels::convert(kernels::add(all, low), x.dtype()).reshape(x.shape());
}

} // namespace kinora::pipelines
