#include "pipelines/vae/posterior.h"

#include "kernels/backend/device.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

constexpr float kLeastLogVariance = -30, kMostLogVariance = 20;

} // namespace

Tensor samplePosterior(const Tensor& moments, const Tensor& noise, const VaeConfig& vae) {
    kernels::Device& device = moments.device();
    if (!device.hasNumbers()) return device.empty(noise.shape(), DType::F32);
    const std::vector<float> stored = device.toHost<float>(moments);
    std::vector<float> values = device.toHost<float>(noise);
    const auto channels = static_cast<size_t>(noise.dim(3));
    const size_t positions = stored.size() / (2 * channels);
    for (size_t i = 0; i < values.size(); ++i) {
        const size_t position = i / channels % positions, channel = i % channels;
        const float* at = &stored[position * 2 * channels + channel];
        const float logVariance = std::clamp(at[channels], kLeastLogVariance, kMostLogVariance);
        const float deviation = std::exp(0.5f * logVariance);
        const float drawn = at[0] + deviation * values[i];
        values[i] = vae.latentMeans.empty() ? vae.scalingFactor * drawn
                                            : (drawn - vae.latentMeans[channel]) *
                                                  vae.scalingFactor / vae.latentDeviations[channel];
    }
    return device.fromHost(values.data(), noise.shape(), DType::F32);
}

Tensor posteriorMean(const Tensor& moments) {
    kernels::Device& device = moments.device();
    const Shape shape = moments.shape().with(-1, moments.shape().last() / 2);
    if (!device.hasNumbers()) return device.empty(shape, DType::F32);
    const std::vector<float> stored = device.toHost<float>(moments);
    const auto channels = static_cast<size_t>(shape.last());
    std::vector<float> means;
    means.reserve(stored.size() / 2);
    for (size_t at = 0; at < stored.size(); at += 2 * channels)
        means.insert(means.end(), stored.begin() + static_cast<std::ptrdiff_t>(at),
                     stored.begin() + static_cast<std::ptrdiff_t>(at + channels));
    return device.fromHost(means.data(), shape, DType::F32);
}

} // namespace kinora::pipelines
