// Euler's method with fresh noise at every step. Numbers as diffusers'
// EulerAncestralDiscreteScheduler, after k-diffusion's sample_euler_ancestral.

#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/sigma_scheduler.h"
#include "pipelines/schedulers/training_noise.h"

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class EulerAncestralScheduler final : public SigmaScheduler {
  public:
    EulerAncestralScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : SigmaScheduler(config) {
        if (m_prediction == Prediction::Sample) config.unsupported("prediction_type", "");
        const SigmaTable table(trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Lift)));
        NoiseSteps steps = spacedSteps(config, table, options.steps);
        if (options.schedule != "normal")
            steps = scheduledSteps(config, table, steps, options.schedule, options.steps);
        takeSteps(config, steps, 0);
    }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise& noise) override {
        const float from = sigmaAt(call);
        const auto [down, up] = ancestralStep(from, sigmaAt(call + 1));
        m_denoised = eulerOriginal(m_prediction, from, latents, modelOutput);
        const Tensor moved =
            eulerMove(latents, eulerDerivative(latents, m_denoised, from), down - from);
        // Drawn at the last step too, where it counts for nothing: the next picture's draws of the
        // same generator come after it.
        return combine({{1, moved}, {up, draw(noise, latents)}});
    }
};

} // namespace

SchedulerInfo eulerAncestralScheduler() {
    return {"euler_a", "Euler ancestral", "EulerAncestralDiscreteScheduler",
            schedulesWithoutRange(), makeMember<EulerAncestralScheduler>};
}

} // namespace kinora::pipelines
