#include "pipelines/image/autoencoder_input.h"

#include "kernels/base/error.h"

#include <array>
#include <string>
#include <vector>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

// One pixel's colour, by what the autoencoder's alpha means, and its alpha.
std::array<float, 4> pixelOf(const float* stored, size_t channels, bool overWhite) {
    const float alpha = channels == 4 ? stored[3] : 1.0f;
    std::array<float, 4> pixel{stored[0], stored[1], stored[2], alpha};
    if (overWhite && alpha < 1)
        for (size_t c = 0; c < 3; ++c) pixel[c] = pixel[c] * alpha + (1 - alpha);
    return pixel;
}

// ITU-R BT.601, as the L mode of Pillow.
float luma(const std::array<float, 4>& pixel) {
    return 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
}

} // namespace

Tensor autoencoderInput(const HostTensor& picture, const VaeConfig& vae, AlphaMeaning alpha,
                        kernels::Device& device) {
    const auto wanted = static_cast<size_t>(vae.inChannels);
    if (wanted > 4)
        throw Error(ErrorCode::Unsupported,
                    "This model's pictures have " + std::to_string(wanted) +
                        " channels; a run from a picture needs one to four.",
                    "Leave out --init.");
    const Shape shape{1, picture.shape[0], picture.shape[1], vae.inChannels};
    if (!device.hasNumbers()) return device.empty(shape, DType::F32);

    const bool keepsAlpha = wanted == 2 || wanted == 4;
    const bool overWhite = !keepsAlpha || alpha == AlphaMeaning::OverWhite;
    const auto channels = static_cast<size_t>(picture.shape[2]);
    std::vector<float> values;
    values.reserve(static_cast<size_t>(shape.elements()));
    for (size_t at = 0; at < picture.values.size(); at += channels) {
        const std::array<float, 4> pixel = pixelOf(&picture.values[at], channels, overWhite);
        if (wanted <= 2) values.push_back(2 * luma(pixel) - 1);
        for (size_t c = wanted <= 2 ? 3 : 0; c < (keepsAlpha ? 4 : 3) && wanted > 1; ++c)
            values.push_back(2 * pixel[c] - 1);
    }
    return device.fromHost(values.data(), shape, DType::F32);
}

Tensor binaryMask(const HostTensor& mask, kernels::Device& device) {
    const Shape shape{1, mask.shape[0], mask.shape[1], 1};
    if (!device.hasNumbers()) return device.empty(shape, DType::F32);
    std::vector<float> values = mask.values;
    for (float& value : values) value = value >= 0.5f ? 1.0f : 0.0f;
    return device.fromHost(values.data(), shape, DType::F32);
}

} // namespace kinora::pipelines
