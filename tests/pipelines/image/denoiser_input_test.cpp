#include "kernels/base/error.h"
#include "pipelines/image/denoiser_input.h"

#include <doctest/doctest.h>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

DenoiserInput kindOf(int64_t in, int64_t out, int64_t latents) {
    DenoiserConfig denoiser;
    denoiser.inChannels = in;
    denoiser.outChannels = out;
    VaeConfig vae{};
    vae.latentChannels = latents;
    return denoiserInput(denoiser, vae);
}

} // namespace

TEST_CASE("the channels say what a denoiser is shown") {
    CHECK(kindOf(4, 4, 4) == DenoiserInput::Latents);
    CHECK(kindOf(9, 4, 4) == DenoiserInput::MaskAndMasked);
    CHECK(kindOf(8, 4, 4) == DenoiserInput::Picture);
    CHECK(kindOf(8, 8, 8) == DenoiserInput::Latents);
    CHECK(kindOf(33, 16, 16) == DenoiserInput::MaskAndMasked);
}

TEST_CASE("other channels are refused with their numbers") {
    CHECK_THROWS_WITH_AS(kindOf(7, 4, 4),
                         "The model's parts do not fit together: the denoiser makes 4 channels of "
                         "7, the VAE's latents have 4. Get the whole folder from one source.",
                         Error);
    CHECK_THROWS_AS(kindOf(4, 4, 8), Error);
    CHECK_THROWS_AS(kindOf(4, 8, 4), Error);
}
