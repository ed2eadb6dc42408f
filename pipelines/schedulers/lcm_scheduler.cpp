// Latent consistency models. Source: Luo et al. 2023, algorithm 3; numbers as diffusers'
// LCMScheduler.

#include "pipelines/schedulers/alpha_scheduler.h"
#include "pipelines/schedulers/scheduler_list.h"

#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class LcmScheduler final : public AlphaScheduler {
  public:
    LcmScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : AlphaScheduler(config, {0.00085, 0.012, "scaled_linear"}, ZeroSnr::Keep),
          m_limits(OriginalLimits::clipOrThreshold(config, false)),
          m_timestepScaling(config.number("timestep_scaling", 10, 1e-6, 1e6)) {
        spaceDistilledTimesteps(config, options.steps);
    }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise& noise) override {
        const Tensor original = m_limits(originalAt(call, latents, modelOutput));
        // The boundary condition that makes the model the identity at timestep 0.
        constexpr double dataVariance = 0.25;
        const double scaled = timestep(call) * m_timestepScaling;
        const double total = scaled * scaled + dataVariance;
        m_denoised =
            combine({{scaled / std::sqrt(total), original}, {dataVariance / total, latents}});

        if (call + 1 == callCount()) return m_denoised;
        return addNoise(m_denoised, draw(noise, latents), call + 1);
    }

    OriginalLimits m_limits;
    double m_timestepScaling;
};

} // namespace

SchedulerInfo lcmScheduler() {
    return {"lcm", "LCM", "LCMScheduler", {"normal"}, makeMember<LcmScheduler>};
}

} // namespace kinora::pipelines
