// DDIM. Source: Song et al. 2021, equations 12 and 16; numbers as diffusers' DDIMScheduler.

#include "pipelines/schedulers/alpha_scheduler.h"
#include "pipelines/schedulers/scheduler_list.h"

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class DdimScheduler final : public AlphaScheduler {
  public:
    DdimScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : AlphaScheduler(config, {}, ZeroSnr::Keep), m_finalAlpha(finalAlpha(config, true)),
          m_limits(OriginalLimits::clipOrThreshold(config, true)), m_eta(options.eta) {
        spaceTimesteps(config, options.steps);
        m_stride = config.trainTimesteps() / options.steps;
    }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise& noise) override {
        const int64_t now = timestepAt(call), next = now - m_stride;
        const double alpha = alphaAt(now);
        const double alphaNext = next >= 0 ? alphaAt(next) : m_finalAlpha;
        m_denoised = m_limits(originalAt(call, latents, modelOutput));

        const double variance = (1 - alphaNext) / (1 - alpha) * (1 - alpha / alphaNext);
        const double deviation = m_eta * std::sqrt(std::max(variance, 0.0));
        const double direction = std::sqrt(std::max(1 - alphaNext - deviation * deviation, 0.0));
        const Blend epsilon = noiseFrom(m_prediction, std::sqrt(alpha), std::sqrt(1 - alpha));
        Tensor drawn;
        if (m_eta > 0) drawn = draw(noise, latents);
        return combine({{std::sqrt(alphaNext), m_denoised},
                        {direction * epsilon.sample, latents},
                        {direction * epsilon.output, modelOutput},
                        {deviation, drawn}});
    }

    double m_finalAlpha;
    OriginalLimits m_limits;
    double m_eta;
    int64_t m_stride = 0; // training timesteps between two steps
};

} // namespace

SchedulerInfo ddimScheduler() {
    return {"ddim", "DDIM", "DDIMScheduler", {"normal"}, makeMember<DdimScheduler>};
}

} // namespace kinora::pipelines
