#include "kernels/ops/elementwise.h"
#include "kernels/ops/resample.h"
#include "pipelines/blocks/tiles.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

std::vector<float> waves(const Shape& shape) {
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = std::sin(static_cast<float>(i % 911) * 0.13f);
    return values;
}

} // namespace

TEST_CASE("spans cover everything, overlap, and their weights add up to one") {
    for (const Tiling& tiling : {Tiling{64, 16}, Tiling{9, 3}, Tiling{10, 1}})
        for (int64_t length = 1; length <= 300; ++length) {
            CAPTURE(length);
            const std::vector<Span> spans = spansOf(length, tiling);
            REQUIRE(spans.front().begin == 0);
            REQUIRE(spans.back().end == length);
            for (size_t i = 0; i + 1 < spans.size(); ++i)
                REQUIRE(spans[i].end - spans[i + 1].begin >= tiling.overlap);
            for (int64_t at = 0; at < length; ++at) {
                double sum = 0;
                for (const Span& span : spans)
                    if (at >= span.begin && at < span.end)
                        sum += weightAt(span, static_cast<double>(at) + 0.5);
                REQUIRE(std::abs(sum - 1) < 1e-9);
            }
        }
}

TEST_CASE("what looks at single pixels gives the same in tiles as whole") {
    const auto device = test::allBackends().open("cpu", {.ordinal = 0, .threads = 2});
    const Tiling tiling{16, 4};
    const Shape shape{1, 37, 50, 3};
    const Tensor latents = device->fromHost(waves(shape).data(), shape, DType::F32);
    const auto enlarge = [](const Tensor& x) {
        return kernels::resizeNearest(x, 2 * x.dim(1), 2 * x.dim(2));
    };
    CHECK(test::relativeError(device->toHost<float>(runTiled(latents, tiling, 2, 1, 3, enlarge)),
                              device->toHost<float>(enlarge(latents))) < 1e-6);
    const Shape large{1, 2 * 37, 2 * 50, 3};
    const Tensor picture = device->fromHost(waves(large).data(), large, DType::F32);
    const auto shrink = [](const Tensor& x) { return kernels::averagePool2x2(x); };
    CHECK(test::relativeError(device->toHost<float>(runTiled(picture, tiling, 1, 2, 3, shrink)),
                              device->toHost<float>(shrink(picture))) < 1e-6);
}

TEST_CASE("tiles take as much memory as the plan says, and no tile is larger than said") {
    const auto peak = [](const char* backend) {
        const auto device = test::allBackends().open(backend, {.ordinal = 0, .threads = 2});
        const Shape shape{1, 40, 40, 4};
        const Tensor latents = device->fromHost(waves(shape).data(), shape, DType::F32);
        device->arena().resetPeaks();
        const Tensor picture = runTiled(latents, {16, 4}, 4, 1, 4, [](const Tensor& x) {
            CHECK((x.shape() == Shape{1, 16, 16, 4}));
            return kernels::resizeNearest(x, 64, 64);
        });
        CHECK((picture.shape() == Shape{1, 160, 160, 4}));
        return device->arena().stats().peakUsedBytes;
    };
    CHECK(peak("meta") == peak("cpu"));
}
