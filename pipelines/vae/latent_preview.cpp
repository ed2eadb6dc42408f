#include "pipelines/vae/latent_preview.h"

#include "kernels/backend/device.h"
#include "pipelines/vae/latent_space.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kinora::pipelines {
namespace {

const PreviewFactors kStableDiffusion = {{{0.2786f, 0.2267f, 0.2183f},
                                          {0.1874f, 0.2804f, 0.0919f},
                                          {-0.1673f, 0.1367f, 0.1520f},
                                          {-0.1678f, -0.1809f, -0.4398f}},
                                         {0.0477f, -0.0362f, -0.0982f}};
const PreviewFactors kStableDiffusionXl = {{{0.3263f, 0.3820f, 0.3874f},
                                            {-0.2310f, 0.0898f, 0.1090f},
                                            {0.0946f, 0.2509f, -0.1191f},
                                            {-0.3516f, -0.2221f, -0.3279f}},
                                           {0.1232f, -0.0239f, -0.0283f}};

} // namespace

PreviewFactors knownPreviewFactors(const VaeConfig& vae) {
    const std::optional<LatentSpace> space = latentSpaceOf(vae);
    if (!space) return {};
    return *space == LatentSpace::StableDiffusion ? kStableDiffusion : kStableDiffusionXl;
}

MatrixPreview::MatrixPreview(PreviewFactors factors) : m_factors(std::move(factors)) {}

kernels::Tensor MatrixPreview::operator()(const kernels::Tensor& latents) const {
    kernels::Device& device = latents.device();
    const std::vector<float> values = device.toHost<float>(latents);
    const size_t channels = m_factors.factors.size();
    std::vector<float> rgb(values.size() / channels * 3);
    for (size_t pixel = 0; pixel < rgb.size() / 3; ++pixel)
        for (size_t color = 0; color < 3; ++color) {
            float sum = m_factors.bias[color];
            for (size_t channel = 0; channel < channels; ++channel)
                sum += values[pixel * channels + channel] * m_factors.factors[channel][color];
            rgb[pixel * 3 + color] = std::clamp(sum / 2 + 0.5f, 0.0f, 1.0f);
        }
    return device.fromHost(rgb.data(), kernels::Shape{latents.dim(1), latents.dim(2), 3},
                           kernels::DType::F32);
}

} // namespace kinora::pipelines
