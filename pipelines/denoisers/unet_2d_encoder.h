#pragma once
// The half of UNet2DConditionModel that goes down, and its middle: what a denoiser and the
// ControlNets that steer it have in common. Private to this folder.

#include "pipelines/blocks/conv_2d.h"
#include "pipelines/blocks/fourier_embedding.h"
#include "pipelines/blocks/timestep_embedding.h"
#include "pipelines/denoisers/unet_2d.h"
#include "pipelines/denoisers/unet_2d_blocks.h"

#include <optional>
#include <span>
#include <vector>

namespace kinora::pipelines {

// Of block `level` of the down path, or of the middle, which is shaped as the last.
UnetBlockOptions unetBlockOptions(const Unet2dConfig& config, size_t level);

class UnetEncoder {
  public:
    UnetEncoder(const Unet2dConfig& config, const Weights& weights);

    const Unet2dConfig& config() const { return m_config; }
    kernels::DType compute() const { return m_compute; }

    // As Denoiser::embedAddition.
    kernels::Tensor embedAddition(const kernels::Tensor& pooled,
                                  std::span<const float> numbers) const;
    // What the blocks are told, as DenoiserCall has it. rows: how many samples.
    UnetConditions conditions(int64_t rows, std::span<const float> timesteps,
                              const kernels::Tensor& promptEmbeddings,
                              const kernels::Tensor& timeCondition,
                              const kernels::Tensor& addition) const;
    // sample [N,h,w,inChannels] f32 -> [N,h,w,C] in the compute dtype, the first convolution's.
    kernels::Tensor begin(const kernels::Tensor& sample) const;
    // The first convolution's result -> the middle's. Appends the skips, x first. added: as
    // UnetResiduals::blocks.
    kernels::Tensor operator()(kernels::Tensor x, const UnetConditions& conditions,
                               std::vector<kernels::Tensor>& skips,
                               std::span<const kernels::Tensor> added = {},
                               const PerturbedAttention& perturbed = {}) const;

  private:
    kernels::Tensor sinusoids(std::span<const float> numbers, int64_t width) const;
    kernels::Tensor embedTime(std::span<const float> timesteps, const kernels::Tensor& condition,
                              const kernels::Tensor& added) const;
    kernels::Tensor centered(const kernels::Tensor& sample) const;

    Unet2dConfig m_config;
    kernels::Device& m_device;
    kernels::DType m_compute;
    std::optional<FourierEmbedding> m_fourierTime;
    TimestepEmbedding m_timeEmbedding;
    std::optional<LinearWeights> m_promptProjection;
    std::optional<TimestepEmbedding> m_addition;
    Conv2d m_input; // in f32: latents keep their precision
    std::vector<DownBlock> m_down;
    std::optional<MidBlock> m_middle;
};

} // namespace kinora::pipelines
