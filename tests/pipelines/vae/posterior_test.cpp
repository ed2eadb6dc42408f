// Equality with the reference is in autoencoder_kl_encoder_test.cpp; here, what its numbers miss.

#include "pipelines/vae/posterior.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Tensor;

TEST_CASE("each picture draws from the same moments, and variances have their limits") {
    const auto device = test::allBackends().open("cpu", {.ordinal = 0, .threads = 1});
    // Two positions of one channel: mean and log variance.
    const std::vector<float> moments = {1, -100, -2, 100};
    const std::vector<float> noise = {2, 1, 0, -1};
    VaeConfig half;
    half.scalingFactor = 0.5f;
    const Tensor drawn =
        samplePosterior(device->fromHost(moments.data(), {1, 1, 2, 2}, DType::F32),
                        device->fromHost(noise.data(), {2, 1, 2, 1}, DType::F32), half);
    const std::vector<float> found = device->toHost<float>(drawn);
    const float least = std::exp(-15.0f), most = std::exp(10.0f);
    CHECK((found == std::vector<float>{0.5f * (1 + 2 * least), 0.5f * (-2 + most), 0.5f,
                                       0.5f * (-2 - most)}));
    CHECK((device->toHost<float>(posteriorMean(device->fromHost(
               moments.data(), {1, 1, 2, 2}, DType::F32))) == std::vector<float>{1, -2}));
}

TEST_CASE("means are taken away and deviations divided by before the scaling") {
    const auto device = test::allBackends().open("cpu", {.ordinal = 0, .threads = 1});
    const std::vector<float> moments = {1, -2, 0, 0}, noise = {0, 1};
    VaeConfig vae;
    vae.scalingFactor = 0.5f;
    vae.latentMeans = {3, -1};
    vae.latentDeviations = {4, 2};
    const Tensor drawn =
        samplePosterior(device->fromHost(moments.data(), {1, 1, 1, 4}, DType::F32),
                        device->fromHost(noise.data(), {1, 1, 1, 2}, DType::F32), vae);
    CHECK((device->toHost<float>(drawn) == std::vector<float>{-0.25f, 0}));
}
