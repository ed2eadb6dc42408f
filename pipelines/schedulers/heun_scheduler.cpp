// Heun's method: each step is an Euler step, and once more with the mean of the derivatives at both
// ends. Source: Karras et al. 2022, algorithm 1; numbers as diffusers' HeunDiscreteScheduler.

#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/sigma_scheduler.h"
#include "pipelines/schedulers/training_noise.h"

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

enum Memory : size_t { kSample, kDerivative, kTensors }; // of the step's first call

class HeunScheduler final : public SigmaScheduler {
  public:
    HeunScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : SigmaScheduler(config), m_limits(OriginalLimits::clip(config, false)) {
        const BetaDefaults defaults{.start = 0.00085, .end = 0.012, .more = {"exp"}};
        const SigmaTable table(
            trainingSigmas(config, cumulativeAlphas(config, defaults, ZeroSnr::Unknown)));
        const NoiseSteps steps = chosenSteps(config, table, options);
        NoiseSteps calls; // each level twice, but for the first
        for (size_t i = 0; i < steps.sigmas.size(); ++i)
            for (int times = i == 0 ? 1 : 2; times > 0; --times) {
                calls.sigmas.push_back(steps.sigmas[i]);
                calls.timesteps.push_back(steps.timesteps[i]);
            }
        takeSteps(config, calls, 0);
        m_memory.tensors.resize(kTensors);
    }

    int callsPerStep() const override { return 2; }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise&) override {
        auto& memory = m_memory.tensors;
        const float sigma = sigmaAt(call);
        m_denoised = m_limits(eulerOriginal(m_prediction, sigma, latents, modelOutput));
        const Tensor derivative = eulerDerivative(latents, m_denoised, sigma);
        if (call % 2 == 0) {
            memory[kSample] = latents;
            memory[kDerivative] = derivative;
            return eulerMove(latents, derivative, sigmaAt(call + 1) - sigma);
        }
        const Tensor mean = combine({{0.5, memory[kDerivative]}, {0.5, derivative}});
        const Tensor moved = eulerMove(memory[kSample], mean, sigma - sigmaAt(call - 1));
        memory.assign(kTensors, {});
        return moved;
    }

    OriginalLimits m_limits;
};

} // namespace

SchedulerInfo heunScheduler() {
    return {"heun", "Heun", "HeunDiscreteScheduler", allSchedules(), makeMember<HeunScheduler>};
}

} // namespace kinora::pipelines
