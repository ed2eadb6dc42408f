#include "pipelines/blocks/timestep_embedding.h"

namespace kinora::pipelines {

using kernels::Activation;
using kernels::Tensor;

TimestepEmbedding::TimestepEmbedding(const Weights& given, int64_t in, int64_t out,
                                     int64_t conditionWidth, Activation activation,
                                     Activation after)
    : m_activation(activation), m_after(after) {
    const Weights weights = given.in(kernels::DType::F32);
    m_linear1 = weights.linear("linear_1", out, in);
    m_linear2 = weights.linear("linear_2", out, out);
    if (conditionWidth) m_condition = weights.linear("cond_proj", in, conditionWidth, Bias::No);
}

Tensor TimestepEmbedding::operator()(const Tensor& sinusoids, const Tensor& condition) const {
    const Tensor input = m_condition && condition
                             ? (*m_condition)(condition, Activation::None, sinusoids)
                             : sinusoids;
    return m_linear2(m_linear1(input, m_activation), m_after);
}

} // namespace kinora::pipelines
