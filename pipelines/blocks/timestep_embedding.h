#pragma once
// TimestepEmbedding: the two layers that turn a sinusoidal time embedding into the one that the
// blocks take. In f32 whatever the model computes in: its angles need more than bf16 holds.
// Source: Ho et al. 2020; names and numbers as diffusers' TimestepEmbedding.

#include "pipelines/weights/weights.h"

#include <optional>

namespace kinora::pipelines {

class TimestepEmbedding {
  public:
    // in: of the sinusoids; out: of the result. conditionWidth: of a further input (guidance, for
    // LCM models); 0: none. after: the activation of the result.
    TimestepEmbedding(const Weights& weights, int64_t in, int64_t out, int64_t conditionWidth,
                      kernels::Activation activation,
                      kernels::Activation after = kernels::Activation::None);

    // sinusoids [N,in] f32, condition [N,conditionWidth] f32 or undefined -> [N,out] f32.
    kernels::Tensor operator()(const kernels::Tensor& sinusoids,
                               const kernels::Tensor& condition = {}) const;

  private:
    LinearWeights m_linear1, m_linear2;
    std::optional<LinearWeights> m_condition;
    kernels::Activation m_activation, m_after;
};

} // namespace kinora::pipelines
