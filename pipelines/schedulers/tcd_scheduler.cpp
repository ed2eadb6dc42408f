// Trajectory consistency distillation. Source: Zheng et al. 2024, algorithm 4; numbers as
// diffusers' TCDScheduler. eta is the paper's gamma; 0, as the pipelines pass it, draws no noise.

#include "pipelines/schedulers/alpha_scheduler.h"
#include "pipelines/schedulers/scheduler_list.h"

#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class TcdScheduler final : public AlphaScheduler {
  public:
    TcdScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : AlphaScheduler(config, {0.00085, 0.012, "scaled_linear"}, ZeroSnr::Keep),
          m_eta(static_cast<float>(options.eta)) {
        spaceDistilledTimesteps(config, options.steps);
    }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise& noise) override {
        const bool last = call + 1 == callCount();
        const int64_t next = last ? 0 : timestepAt(call + 1);
        // Below the next timestep by the share eta, from where fresh noise leads up to it.
        const auto below = static_cast<int64_t>(std::floor((1 - m_eta) * static_cast<float>(next)));
        const double alpha = alphaAt(timestepAt(call)), alphaBelow = alphaAt(below);
        m_denoised = originalAt(call, latents, modelOutput);
        const Blend epsilon = noiseFrom(m_prediction, std::sqrt(alpha), std::sqrt(1 - alpha));
        const double kept = m_eta > 0 && !last ? alphaAt(next) / alphaBelow : 1;
        const double direction = std::sqrt(kept * (1 - alphaBelow));
        Tensor drawn;
        if (m_eta > 0 && !last) drawn = draw(noise, latents);
        return combine({{std::sqrt(kept * alphaBelow), m_denoised},
                        {direction * epsilon.sample, latents},
                        {direction * epsilon.output, modelOutput},
                        {std::sqrt(1 - kept), drawn}});
    }

    float m_eta;
};

} // namespace

SchedulerInfo tcdScheduler() {
    return {"tcd", "TCD", "TCDScheduler", {"normal"}, makeMember<TcdScheduler>};
}

} // namespace kinora::pipelines
