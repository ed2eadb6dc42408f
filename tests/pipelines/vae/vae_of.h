#pragma once
// What of a VAE's config tells its latent space.

#include "pipelines/vae/latent_space.h"

#include <cstdint>

namespace kinora::test {

inline pipelines::VaeConfig vaeOf(int64_t channels, float scalingFactor) {
    pipelines::VaeConfig config{};
    config.latentChannels = channels;
    config.scalingFactor = scalingFactor;
    return config;
}

} // namespace kinora::test
