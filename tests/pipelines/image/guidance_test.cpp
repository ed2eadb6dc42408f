#include "kernels/backend/registry.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/image/guidance.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace kinora;
using namespace kinora::kernels;

namespace {

double deviation(const std::vector<double>& values) {
    double mean = 0, sum = 0;
    for (const double v : values) mean += v / static_cast<double>(values.size());
    for (const double v : values) sum += (v - mean) * (v - mean);
    return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

} // namespace

TEST_CASE("guidance equals the formula, with and without rescaling, for each picture by itself") {
    BackendRegistry backends;
    backends.add(cpuBackend());
    const auto device = backends.open("cpu", {.threads = 2});
    constexpr int64_t kPictures = 2, kEach = 3 * 2 * 4;
    std::vector<float> values(2 * kPictures * kEach);
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = std::sin(static_cast<float>(i * i % 97)) * static_cast<float>(1 + i % 5);
    const Tensor output =
        device->fromHost(values.data(), Shape{2 * kPictures, 3, 2, 4}, DType::F32);

    for (const double rescale : {0.0, 0.3, 1.0}) {
        const auto guided = device->toHost<float>(pipelines::guide(output, 5.5, rescale));
        REQUIRE(guided.size() == kPictures * kEach);
        for (int64_t picture = 0; picture < kPictures; ++picture) {
            std::vector<double> expected, positive;
            for (int64_t i = picture * kEach; i < (picture + 1) * kEach; ++i) {
                const double negativeValue = values[static_cast<size_t>(i)];
                positive.push_back(values[static_cast<size_t>(kPictures * kEach + i)]);
                expected.push_back(negativeValue + 5.5 * (positive.back() - negativeValue));
            }
            const double ratio = deviation(positive) / deviation(expected);
            for (size_t i = 0; i < expected.size(); ++i) {
                const double mixed = expected[i] * (rescale * ratio + 1 - rescale);
                CHECK(guided[static_cast<size_t>(picture * kEach) + i] ==
                      doctest::Approx(mixed).epsilon(1e-5));
            }
        }
    }
}
