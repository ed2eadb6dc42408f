#pragma once
// What the schedulers over whole training timesteps share: latents are
// sqrt(a) * x0 + sqrt(1 - a) * noise, with a the cumulative alpha of the timestep.

#include "pipelines/schedulers/prediction.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/schedulers/training_noise.h"

#include <cstdint>
#include <vector>

namespace kinora::pipelines {

class AlphaScheduler : public Scheduler {
  public:
    NoiseMix noiseMix(int call) const override;

  protected:
    // Reads num_train_timesteps, betas and prediction_type.
    AlphaScheduler(const SchedulerConfig& config, const BetaDefaults& defaults, ZeroSnr zeroSnr);

    // Spaces m_timesteps by timestep_spacing ("leading" where absent) and steps_offset. Throws
    // Error{InvalidArgument} for too many steps, Error{BadFile} where the offset leads past the
    // training timesteps.
    void spaceTimesteps(const SchedulerConfig& config, int steps);
    // Every k-th training timestep, as the model was distilled, of which the run takes an even
    // choice: original_inference_steps. Throws Error{InvalidArgument} for more steps than that.
    void spaceDistilledTimesteps(const SchedulerConfig& config, int steps);

    int64_t timestepAt(int call) const { return static_cast<int64_t>(timestep(call)); }
    // 0 <= timestep < the training timesteps.
    float alphaAt(int64_t timestep) const { return m_alphas.at(static_cast<size_t>(timestep)); }
    // The cumulative alpha after the last timestep: set_alpha_to_one.
    float finalAlpha(const SchedulerConfig& config, bool oneByDefault) const;
    // x0 as the model output says it, before any limits.
    kernels::Tensor originalAt(int call, const kernels::Tensor& latents,
                               const kernels::Tensor& modelOutput) const;

    std::vector<float> m_alphas; // cumulative
    Prediction m_prediction;
};

} // namespace kinora::pipelines
