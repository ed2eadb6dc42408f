#include "pipelines/vae/latent_preview.h"

#include "kernels/backend/device.h"

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {
namespace {

struct LatentSpace {
    float scalingFactor; // of a VAE with as many latent channels as there are factors
    PreviewFactors preview;
};

const std::vector<LatentSpace>& latentSpaces() {
    static const std::vector<LatentSpace> spaces = {
        {0.18215f, // Stable Diffusion 1.x and 2.x
         {{{0.2786f, 0.2267f, 0.2183f},
           {0.1874f, 0.2804f, 0.0919f},
           {-0.1673f, 0.1367f, 0.1520f},
           {-0.1678f, -0.1809f, -0.4398f}},
          {0.0477f, -0.0362f, -0.0982f}}},
        {0.13025f, // Stable Diffusion XL
         {{{0.3263f, 0.3820f, 0.3874f},
           {-0.2310f, 0.0898f, 0.1090f},
           {0.0946f, 0.2509f, -0.1191f},
           {-0.3516f, -0.2221f, -0.3279f}},
          {0.1232f, -0.0239f, -0.0283f}}},
    };
    return spaces;
}

} // namespace

PreviewFactors knownPreviewFactors(const VaeConfig& vae) {
    for (const LatentSpace& space : latentSpaces())
        if (vae.latentChannels == static_cast<int64_t>(space.preview.factors.size()) &&
            std::abs(vae.scalingFactor - space.scalingFactor) < 1e-5f)
            return space.preview;
    return {};
}

kernels::Tensor previewPicture(const PreviewFactors& preview, const kernels::Tensor& latents) {
    kernels::Device& device = latents.device();
    const std::vector<float> values = device.toHost<float>(latents);
    const size_t channels = preview.factors.size();
    std::vector<float> rgb(values.size() / channels * 3);
    for (size_t pixel = 0; pixel < rgb.size() / 3; ++pixel)
        for (size_t color = 0; color < 3; ++color) {
            float sum = preview.bias[color];
            for (size_t channel = 0; channel < channels; ++channel)
                sum += values[pixel * channels + channel] * preview.factors[channel][color];
            rgb[pixel * 3 + color] = std::clamp(sum / 2 + 0.5f, 0.0f, 1.0f);
        }
    return device.fromHost(rgb.data(), kernels::Shape{latents.dim(1), latents.dim(2), 3},
                           kernels::DType::F32);
}

} // namespace kinora::pipelines
