#include "pipelines/vae/latent_space.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace kinora::pipelines {
namespace {

struct Row {
    LatentSpace space;
    int64_t channels;
    float scalingFactor;
    const char* name;
};
constexpr Row kSpaces[] = {
    {LatentSpace::StableDiffusion, 4, 0.18215f, "Stable Diffusion 1.x and 2.x"},
    {LatentSpace::StableDiffusionXl, 4, 0.13025f, "SDXL"},
};

} // namespace

std::optional<LatentSpace> latentSpaceOf(const VaeConfig& vae) {
    for (const Row& row : kSpaces)
        if (vae.latentMeans.empty() && vae.latentChannels == row.channels &&
            std::abs(vae.scalingFactor - row.scalingFactor) < 1e-5f)
            return row.space;
    return std::nullopt;
}

const char* latentSpaceName(LatentSpace space) {
    return std::ranges::find(kSpaces, space, &Row::space)->name;
}

} // namespace kinora::pipelines
