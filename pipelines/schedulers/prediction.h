#pragma once
// What a denoiser predicts, and how the finished picture (x0) and the noise follow from it.

#include "kernels/tensor/tensor.h"
#include "pipelines/schedulers/scheduler_config.h"

#include <initializer_list>

namespace kinora::pipelines {

enum class Prediction { Epsilon, Velocity, Sample };

// prediction_type. Velocity: Salimans and Ho 2022, appendix D.
Prediction predictionType(const SchedulerConfig& config);

// sample * x + output * model output.
struct Blend {
    double sample, output;
    kernels::Tensor operator()(const kernels::Tensor& sampleTensor,
                               const kernels::Tensor& modelOutput) const;
};

// For latents alpha * x0 + sigma * noise.
Blend originalFrom(Prediction prediction, double alpha, double sigma);
Blend noiseFrom(Prediction prediction, double alpha, double sigma);
// For latents x0 + sigma * noise, scaled before they are shown to the denoiser (Karras et al.
// 2022).
Blend originalFromSigma(Prediction prediction, double sigma);

// linearCombination of the terms that count: a tensor whose coefficient is 0 is not read (and may
// be undefined, but for the first).
struct Weighted {
    double coefficient;
    kernels::Tensor tensor;
};
kernels::Tensor combine(std::initializer_list<Weighted> terms);

// What is done to x0 before it is used: clip_sample, or dynamic thresholding (Saharia et al. 2022,
// section 2.3; each picture by its own quantile).
class OriginalLimits {
  public:
    static OriginalLimits none() { return {}; }
    // clipByDefault: clip_sample where the config does not say.
    static OriginalLimits clipOrThreshold(const SchedulerConfig& config, bool clipByDefault);
    static OriginalLimits clip(const SchedulerConfig& config, bool clipByDefault);
    static OriginalLimits threshold(const SchedulerConfig& config);

    bool any() const { return m_threshold || m_clip; }
    kernels::Tensor operator()(const kernels::Tensor& original) const;

  private:
    bool m_clip = false, m_threshold = false;
    float m_range = 1;
    float m_quantile = 0, m_mostValue = 1;
};

} // namespace kinora::pipelines
