// DDPM: every step draws from the posterior of the one before. Source: Ho et al. 2020, equations 6,
// 7 and 15; numbers as diffusers' DDPMScheduler.

#include "pipelines/schedulers/alpha_scheduler.h"
#include "pipelines/schedulers/scheduler_list.h"

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class DdpmScheduler final : public AlphaScheduler {
  public:
    DdpmScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : AlphaScheduler(config, {.more = {"laplace", "sigmoid"}}, ZeroSnr::Keep),
          m_limits(OriginalLimits::clipOrThreshold(config, true)) {
        spaceTimesteps(config, options.steps);
        // Of the others, the logarithm of beta has no square root, which the class takes of it, and
        // learned variances come in further channels.
        if (config.isSet("variance_type"))
            m_large =
                config.choice("variance_type", "",
                              {"fixed_small", "fixed_small_log", "fixed_large"}) == "fixed_large";
    }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise& noise) override {
        m_denoised = m_limits(originalAt(call, latents, modelOutput));
        // In float32: beta loses digits where steps are short, and so it does in the reference.
        const float alpha = alphaAt(timestepAt(call));
        const float alphaNext = call + 1 < callCount() ? alphaAt(timestepAt(call + 1)) : 1.0f;
        const float kept = alpha / alphaNext, beta = 1 - kept;
        const float posterior = (1 - alphaNext) / (1 - alpha);
        const float variance = m_large ? beta : std::max(posterior * beta, 1e-20f);
        Tensor drawn;
        if (timestepAt(call) > 0) drawn = draw(noise, latents);
        return combine({{std::sqrt(alphaNext) * beta / (1 - alpha), m_denoised},
                        {std::sqrt(kept) * posterior, latents},
                        {std::sqrt(variance), drawn}});
    }

    OriginalLimits m_limits;
    bool m_large = false; // variance_type
};

} // namespace

SchedulerInfo ddpmScheduler() {
    return {"ddpm", "DDPM", "DDPMScheduler", {"normal"}, makeMember<DdpmScheduler>};
}

} // namespace kinora::pipelines
