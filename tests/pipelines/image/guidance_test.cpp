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

TEST_CASE("attention guidance fades with the timestep and is never negative") {
    CHECK(pipelines::attentionScale(3, 0, 10) == 3);
    CHECK(pipelines::attentionScale(3, 0.005, 1000) == 3);
    CHECK(pipelines::attentionScale(3, 0.005, 600) == doctest::Approx(1));
    CHECK(pipelines::attentionScale(3, 0.005, 10) == 0);
    CHECK(pipelines::attentionScale(0, 0, 500) == 0);
}

TEST_CASE("attention guidance weighs each prompt's own difference") {
    BackendRegistry backends;
    backends.add(cpuBackend());
    const auto device = backends.open("cpu", {.threads = 2});
    // Two prompts of two pictures.
    const std::vector<float> positive = {1, 2, 3, 4}, perturbed = {0, 4, 1, 1};
    const Shape shape{4, 1, 1, 1};
    const std::vector<double> weights = {0.5, -1};
    const auto more = device->toHost<float>(pipelines::attentionGuidance(
        device->fromHost(positive.data(), shape, DType::F32),
        device->fromHost(perturbed.data(), shape, DType::F32), weights, 2));
    REQUIRE(more.size() == 2);
    CHECK(more[0] == doctest::Approx(2 * (0.5 * 1 - 1 * 2)));
    CHECK(more[1] == doctest::Approx(2 * (0.5 * -2 - 1 * 3)));
}
