#include "kernels/backend/device.h"
#include "kernels/ops/elementwise.h"
#include "pipelines/image/denoise_windows.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

Tensor counting(kernels::Device& device, const Shape& shape) {
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    std::iota(values.begin(), values.end(), 0.0f);
    return device.fromHost(values.data(), shape, DType::F32);
}

} // namespace

TEST_CASE("windows cover everything, the last one at the edge") {
    for (const int64_t height : {5, 8, 9, 20, 33})
        for (const int64_t width : {3, 8, 21}) {
            const auto windows = windowsOf(height, width, {.side = 8, .stride = 3});
            std::vector<int> covered(static_cast<size_t>(height * width));
            for (const Window& window : windows) {
                REQUIRE(window.top + window.height <= height);
                REQUIRE(window.left + window.width <= width);
                for (int64_t y = window.top; y < window.top + window.height; ++y)
                    for (int64_t x = window.left; x < window.left + window.width; ++x)
                        ++covered[static_cast<size_t>(y * width + x)];
            }
            for (const int count : covered) CHECK(count > 0);
            CHECK((windows.size() == 1) == (height <= 8 && width <= 8));
        }
    CHECK(windowsOf(16, 16, {.side = 8, .stride = 8}).size() == 4);
}

TEST_CASE("what is the same in every window comes back as it was") {
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    const Tensor input = counting(*device, {2, 9, 12, 3});
    const auto windows = windowsOf(9, 12, {.side = 5, .stride = 2});
    const auto same = [](const Tensor& part, const Window&) { return part; };
    CHECK((device->toHost<float>(predictInWindows(input, windows, same)) ==
           device->toHost<float>(input)));
}

TEST_CASE("where windows disagree the mean counts") {
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    const Tensor input = counting(*device, {1, 1, 6, 1});
    float number = 0;
    const Tensor output = predictInWindows(
        input, windowsOf(1, 6, {.side = 4, .stride = 2}), [&](const Tensor& part, const Window&) {
            const std::vector<float> values(4, number++);
            return device->fromHost(values.data(), part.shape(), DType::F32);
        });
    CHECK((device->toHost<float>(output) == std::vector<float>{0, 0, 0.5f, 0.5f, 1, 1}));
}
