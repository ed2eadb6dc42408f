#include "pipelines/blocks/fourier_embedding.h"

#include "kernels/backend/device.h"

#include <cmath>
#include <numbers>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Tensor;

FourierEmbedding::FourierEmbedding(const Weights& weights, int64_t width, bool flipSinToCos)
    : m_device(weights.device()), m_width(width), m_flipSinToCos(flipSinToCos) {
    const Tensor frequencies = weights.vector("weight", width / 2);
    if (m_device.hasNumbers()) m_frequencies = m_device.toHost<float>(frequencies);
}

Tensor FourierEmbedding::operator()(std::span<const float> times) const {
    const auto rows = static_cast<int64_t>(times.size());
    if (!m_device.hasNumbers()) return m_device.empty({rows, m_width}, DType::F32);
    std::vector<float> values;
    values.reserve(times.size() * static_cast<size_t>(m_width));
    for (const float time : times)
        for (const bool cosines : {m_flipSinToCos, !m_flipSinToCos})
            for (const float frequency : m_frequencies) {
                // Rounded where the reference rounds: an angle of thousands has no digits to lose.
                const float angle = time * frequency * 2.0f * std::numbers::pi_v<float>;
                values.push_back(cosines ? std::cos(angle) : std::sin(angle));
            }
    return m_device.fromHost(values.data(), {rows, m_width}, DType::F32);
}

} // namespace kinora::pipelines
