#include "pipelines/vae/tiny_preview.h"

#include "kernels/backend/device.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kinora::pipelines {

using kernels::Shape;
using kernels::Tensor;

namespace {

// Where box i of `boxes` begins in `size` rows: boxes differ by a row at most, and none is empty.
int64_t boxBegins(int64_t i, int64_t boxes, int64_t size) {
    return i * size / boxes;
}

int64_t pooledSize(int64_t size, int64_t pooling) {
    return std::max<int64_t>((size + pooling / 2) / pooling, 1);
}

} // namespace

Tensor pooledLatents(const Tensor& latents, int64_t pooling) {
    if (pooling <= 1) return latents;
    kernels::Device& device = latents.device();
    const int64_t height = latents.dim(1), width = latents.dim(2), channels = latents.dim(3);
    const Shape shape{1, pooledSize(height, pooling), pooledSize(width, pooling), channels};
    const std::vector<float> values = device.toHost<float>(latents);
    std::vector<float> means;
    means.reserve(static_cast<size_t>(shape.elements()));
    const auto meanOf = [&](int64_t top, int64_t bottom, int64_t left, int64_t right, int64_t c) {
        float sum = 0;
        for (int64_t y = top; y < bottom; ++y)
            for (int64_t x = left; x < right; ++x)
                sum += values[static_cast<size_t>((y * width + x) * channels + c)];
        return sum / static_cast<float>((bottom - top) * (right - left));
    };
    for (int64_t y = 0; y < shape[1]; ++y)
        for (int64_t x = 0; x < shape[2]; ++x)
            for (int64_t c = 0; c < channels; ++c)
                means.push_back(
                    meanOf(boxBegins(y, shape[1], height), boxBegins(y + 1, shape[1], height),
                           boxBegins(x, shape[2], width), boxBegins(x + 1, shape[2], width), c));
    return device.fromHost(means.data(), shape, kernels::DType::F32);
}

TinyPreview::TinyPreview(std::unique_ptr<const VaeDecoder> decoder, int64_t pooling)
    : m_decoder(std::move(decoder)), m_pooling(pooling) {}

Tensor TinyPreview::operator()(const Tensor& latents) const {
    kernels::Device& device = latents.device();
    const Tensor picture = (*m_decoder)(pooledLatents(latents, m_pooling));
    std::vector<float> values = device.toHost<float>(picture);
    for (float& value : values) // what is no number is black: a preview ends no run
        value = value > -1 ? std::min(value / 2 + 0.5f, 1.0f) : 0.0f;
    return device.fromHost(values.data(), Shape{picture.dim(1), picture.dim(2), 3},
                           kernels::DType::F32);
}

} // namespace kinora::pipelines
