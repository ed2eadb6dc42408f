// DDIM. Source: Song et al. 2021, equations 12 and 16; numbers as diffusers' DDIMScheduler.

#include "pipelines/schedulers/prediction.h"
#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/timestep_spacing.h"
#include "pipelines/schedulers/training_noise.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class DdimScheduler final : public Scheduler {
  public:
    DdimScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : m_alphas(cumulativeAlphas(config, {}, ZeroSnr::Keep)),
          m_finalAlpha(config.flag("set_alpha_to_one", true) ? 1.0 : m_alphas.front()),
          m_prediction(predictionType(config)),
          m_limits(OriginalLimits::clipOrThreshold(config, true)), m_eta(options.eta) {
        const int64_t train = config.trainTimesteps();
        checkSteps(options.steps, train, "the model's training timesteps");
        m_stride = train / options.steps;
        m_timesteps = chooseTimesteps(config, options.steps, train);
        if (m_timesteps.front() >= static_cast<double>(train))
            config.bad("steps_offset", "one that keeps the first of " +
                                           std::to_string(options.steps) +
                                           " steps within the training timesteps");
    }

    int callCount() const override { return static_cast<int>(m_timesteps.size()); }
    double timestep(int call) const override { return m_timesteps.at(static_cast<size_t>(call)); }
    double initialNoiseSigma() const override { return 1; }
    Tensor scaleModelInput(const Tensor& latents, int) const override { return latents; }

    Tensor step(const Tensor& modelOutput, int call, const Tensor& latents,
                BatchNoise& noise) override {
        const auto now = static_cast<int64_t>(timestep(call));
        const double alpha = alphaAt(now), alphaNext = alphaAt(now - m_stride);
        const double root = std::sqrt(alpha), noiseRoot = std::sqrt(1 - alpha);
        m_denoised = m_limits(originalFrom(m_prediction, root, noiseRoot)(latents, modelOutput));

        const double variance = (1 - alphaNext) / (1 - alpha) * (1 - alpha / alphaNext);
        const double deviation = m_eta * std::sqrt(std::max(variance, 0.0));
        const double direction = std::sqrt(std::max(1 - alphaNext - deviation * deviation, 0.0));
        const Blend epsilon = noiseFrom(m_prediction, root, noiseRoot);
        Tensor drawn;
        if (m_eta > 0)
            drawn = noise.draw(latents.device(), latents.dim(1), latents.dim(2), latents.dim(3));
        return combine({{std::sqrt(alphaNext), m_denoised},
                        {direction * epsilon.sample, latents},
                        {direction * epsilon.output, modelOutput},
                        {deviation, drawn}});
    }

  private:
    static std::vector<double> chooseTimesteps(const SchedulerConfig& config, int steps,
                                               int64_t train) {
        const std::string spacing =
            config.choice("timestep_spacing", "leading", {"leading", "trailing", "linspace"});
        if (spacing == "leading")
            return leadingTimesteps(train / steps, 0, steps,
                                    config.integer("steps_offset", 0, 0, train));
        if (spacing == "trailing")
            return trailingTimesteps(train, static_cast<double>(train) / steps, steps);
        std::vector<double> timesteps = linspace(0, static_cast<double>(train - 1), steps);
        for (double& timestep : timesteps) timestep = std::nearbyint(timestep);
        std::ranges::reverse(timesteps);
        return timesteps;
    }

    double alphaAt(int64_t timestep) const {
        return timestep >= 0 ? m_alphas[static_cast<size_t>(timestep)] : m_finalAlpha;
    }

    std::vector<float> m_alphas; // cumulative
    double m_finalAlpha;
    Prediction m_prediction;
    OriginalLimits m_limits;
    double m_eta;
    int64_t m_stride = 0; // training timesteps between two steps
    std::vector<double> m_timesteps;
};

} // namespace

SchedulerInfo ddimScheduler() {
    return {"ddim",
            "DDIM",
            "DDIMScheduler",
            {"normal"},
            [](const nlohmann::json& config,
               const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
                return std::make_unique<DdimScheduler>(
                    SchedulerConfig(config, "DDIMScheduler", options.configLabel), options);
            }};
}

} // namespace kinora::pipelines
