#include "pipelines/blocks/resnet_block_2d.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"

#include <utility>
#include <vector>

namespace kinora::pipelines {

using kernels::Tensor;

ResnetBlock2D::ResnetBlock2D(const Weights& weights, int64_t in, int64_t out,
                             const ResnetOptions& options)
    : m_norm1(weights, "norm1", in, options.groups, options.epsilon),
      m_conv1(weights, "conv1", out, in, 3),
      m_norm2(weights, "norm2", out, options.groups, options.epsilon),
      m_conv2(weights, "conv2", out, out, 3), m_activation(options.activation),
      m_timeUse(options.timeUse) {
    if (options.timeWidth)
        m_timeProjection = weights.linear(
            "time_emb_proj", m_timeUse == TimeUse::Added ? out : 2 * out, options.timeWidth);
    if (in != out) m_shortcut.emplace(weights, "conv_shortcut", out, in, 1);
    if (options.outputScale != 1)
        m_outputScale =
            weights.device().fromHost(&options.outputScale, {1, 1, 1, 1}, kernels::DType::F32);
}

// Where the whole batch is at one time, the time embedding is one more bias of the convolution:
// a pass over the picture less, and no rounding between.
Tensor ResnetBlock2D::firstConvolution(const Tensor& x, const Tensor& time) const {
    if (!m_timeProjection || m_timeUse != TimeUse::Added) return m_conv1(x);
    const int64_t out = m_conv1.weight.shape()[0];
    const Tensor shift = (*m_timeProjection)(time);
    if (shift.dim(0) == 1) {
        const Tensor bias =
            kernels::add(m_conv1.bias, kernels::convert(shift, kernels::DType::F32).reshape({out}));
        return kernels::conv2d(x, m_conv1.weight, bias, m_conv1.options);
    }
    return kernels::add(m_conv1(x), shift.reshape({shift.dim(0), 1, 1, out}));
}

// Scale and shift of a time become those of the norm, so that nothing is computed but the norm.
Tensor ResnetBlock2D::adaptedNorm(const Tensor& x, const Tensor& time) const {
    const int64_t channels = x.dim(3);
    const Tensor projected = kernels::convert((*m_timeProjection)(time), kernels::DType::F32);
    const auto& [scale, shift] = m_norm2.weights;
    const auto normed = [&](const Tensor& rows, int64_t which) {
        const Tensor both = projected.slice(which, which + 1).reshape({2, channels});
        const Tensor timeScale = both.slice(0, 1).reshape({channels});
        const Tensor timeShift = both.slice(1, 2).reshape({channels});
        return kernels::groupNorm(
            rows, kernels::add(scale, kernels::multiply(scale, timeScale)),
            kernels::add(kernels::add(shift, kernels::multiply(shift, timeScale)), timeShift),
            m_norm2.groups, m_norm2.epsilon, m_activation);
    };
    if (projected.dim(0) == 1) return normed(x, 0);
    std::vector<Tensor> rows;
    for (int64_t i = 0; i < x.dim(0); ++i) rows.push_back(normed(x.slice(i, i + 1), i));
    return kernels::stack(rows);
}

Tensor ResnetBlock2D::operator()(Tensor x, const Tensor& time) const {
    Tensor hidden = m_norm1(x, m_activation);
    hidden = firstConvolution(hidden, time);
    if (m_shortcut) x = (*m_shortcut)(x);
    hidden = m_timeProjection && m_timeUse == TimeUse::ScaleAndShift
                 ? adaptedNorm(hidden, time)
                 : m_norm2(hidden, m_activation);
    hidden = m_conv2(hidden, x);
    return m_outputScale ? kernels::divide(hidden, m_outputScale) : hidden;
}

} // namespace kinora::pipelines
