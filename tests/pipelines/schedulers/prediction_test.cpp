#include "kernels/backend/device.h"
#include "pipelines/schedulers/prediction.h"
#include "tests/support/host_backend.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <vector>

using namespace kinora::pipelines;
using kinora::kernels::Device;
using kinora::kernels::DType;
using kinora::kernels::Tensor;
using nlohmann::json;

TEST_CASE("what a denoiser predicts leads back to picture and noise") {
    const double alpha = 0.6, sigma = 0.8, picture = 1.5, noise = -0.25;
    const double sample = alpha * picture + sigma * noise;
    const std::pair<Prediction, double> outputs[] = {
        {Prediction::Epsilon, noise},
        {Prediction::Sample, picture},
        {Prediction::Velocity, alpha * noise - sigma * picture}};
    for (const auto& [kind, output] : outputs) {
        const Blend original = originalFrom(kind, alpha, sigma);
        CHECK(original.sample * sample + original.output * output == doctest::Approx(picture));
        const Blend epsilon = noiseFrom(kind, alpha, sigma);
        CHECK(epsilon.sample * sample + epsilon.output * output == doctest::Approx(noise));
        // The same latents, divided by alpha: x0 + sigma / alpha * noise.
        const Blend scaled = originalFromSigma(kind, sigma / alpha);
        CHECK(scaled.sample * sample / alpha + scaled.output * output == doctest::Approx(picture));
    }
}

TEST_CASE("thresholding takes each picture by its own quantile") {
    Device device(kinora::test::hostBackend(), {});
    const std::vector<float> values = {0.5f, -1, 2, 4, 8, /* second */ 0.1f, -0.2f, 0.3f, 0, 1};
    const Tensor x = device.fromHost(values.data(), {2, 5, 1, 1}, DType::F32);
    const json config = {
        {"thresholding", true}, {"dynamic_thresholding_ratio", 0.75}, {"sample_max_value", 9.0}};
    const auto limits = OriginalLimits::threshold(SchedulerConfig(config, "Test", "s.json"));
    CHECK(limits.any());
    // Magnitudes 0.5 1 2 4 8: the quantile 0.75 is 4. The second picture's is below 1: as it is.
    const std::vector<float> expected = {0.125f, -0.25f, 0.5f, 1, 1, 0.1f, -0.2f, 0.3f, 0, 1};
    CHECK((device.toHost<float>(limits(x)) == expected));
}

TEST_CASE("clipping is a default of some classes only") {
    Device device(kinora::test::hostBackend(), {});
    const std::vector<float> values = {-3, 0.5f, 3};
    const Tensor x = device.fromHost(values.data(), {1, 3, 1, 1}, DType::F32);
    const json empty = json::object(), range = {{"clip_sample_range", 2.0}};
    const SchedulerConfig absent(empty, "Test", "s.json"), two(range, "Test", "s.json");
    CHECK((device.toHost<float>(OriginalLimits::clipOrThreshold(absent, false)(x)) == values));
    CHECK((device.toHost<float>(OriginalLimits::clipOrThreshold(absent, true)(x)) ==
           std::vector<float>{-1, 0.5f, 1}));
    CHECK((device.toHost<float>(OriginalLimits::clipOrThreshold(two, true)(x)) ==
           std::vector<float>{-2, 0.5f, 2}));
}

TEST_CASE("a term of coefficient 0 is not read") {
    Device device(kinora::test::hostBackend(), {});
    const float one = 1, nothing = std::nanf("");
    const Tensor x = device.fromHost(&one, {1, 1, 1, 1}, DType::F32);
    const Tensor y = device.fromHost(&nothing, {1, 1, 1, 1}, DType::F32);
    CHECK(device.toHost<float>(combine({{2, x}, {0, y}, {0, {}}}))[0] == 2);
    CHECK(device.toHost<float>(combine({{0, x}, {0, {}}}))[0] == 0);
}
