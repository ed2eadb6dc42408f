#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/image/autoencoder_input.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::Shape;

namespace {

kernels::Device& device() {
    static const kernels::BackendRegistry backends = [] {
        kernels::BackendRegistry registry;
        registry.add(kernels::cpuBackend());
        return registry;
    }();
    static const auto opened = backends.open("cpu", {.threads = 1});
    return *opened;
}

std::vector<float> inputOf(const HostTensor& picture, int64_t channels,
                           AlphaMeaning alpha = AlphaMeaning::None) {
    VaeConfig vae{};
    vae.inChannels = channels;
    const kernels::Tensor input = autoencoderInput(picture, vae, alpha, device());
    CHECK((input.shape() == Shape{1, picture.shape[0], picture.shape[1], channels}));
    return device().toHost<float>(input);
}

bool near(const std::vector<float>& a, const std::vector<float>& b) {
    return std::ranges::equal(a, b, [](float x, float y) { return std::abs(x - y) < 1e-6f; });
}

// A half transparent pixel and an opaque one.
const HostTensor kRgba{Shape{1, 2, 4}, {0.2f, 0.4f, 0.6f, 0.5f, 1, 0, 0, 1}};

} // namespace

TEST_CASE("a picture becomes what the autoencoder's channels mean") {
    CHECK(near(inputOf(kRgba, 3), {0.2f, 0.4f, 0.6f, 1, -1, -1}));
    CHECK(near(inputOf(kRgba, 4), {-0.6f, -0.2f, 0.2f, 0, 1, -1, -1, 1}));
    CHECK(near(inputOf(kRgba, 4, AlphaMeaning::OverWhite), {0.2f, 0.4f, 0.6f, 0, 1, -1, -1, 1}));
    const float luma = 2 * (0.299f * 0.2f + 0.587f * 0.4f + 0.114f * 0.6f) - 1;
    CHECK(near(inputOf(kRgba, 2), {luma, 0, 2 * 0.299f - 1, 1}));
    CHECK(near(inputOf(kRgba, 1), {luma + (1 - luma) / 2, 2 * 0.299f - 1}));
    CHECK(near(inputOf({Shape{1, 1, 3}, {0, 0.5f, 1}}, 4), {-1, 0, 1, 1}));
    CHECK_THROWS_AS(inputOf(kRgba, 5), Error);
}

TEST_CASE("a mask is made anew from 128 of 255 on") {
    const kernels::Tensor mask =
        binaryMask({Shape{2, 2, 1}, {0, 127 / 255.0f, 128 / 255.0f, 1}}, device());
    CHECK((device().toHost<float>(mask) == std::vector<float>{0, 0, 1, 1}));
}
