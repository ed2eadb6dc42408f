// Latent consistency models. Source: Luo et al. 2023, algorithm 3; numbers as diffusers'
// LCMScheduler.

#include "pipelines/schedulers/prediction.h"
#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/training_noise.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class LcmScheduler final : public Scheduler {
  public:
    LcmScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : m_alphas(cumulativeAlphas(config, {0.00085, 0.012, "scaled_linear"}, ZeroSnr::Keep)),
          m_prediction(predictionType(config)),
          m_limits(OriginalLimits::clipOrThreshold(config, false)),
          m_timestepScaling(config.number("timestep_scaling", 10, 1e-6, 1e6)) {
        const int64_t train = config.trainTimesteps();
        const int64_t original = config.integer("original_inference_steps", 50, 1, train);
        checkSteps(options.steps, original, "the steps that the model was distilled with");
        // Every k-th training timestep from the noisy end, of which the run takes an even choice.
        const int64_t stride = train / original;
        const double skip = static_cast<double>(original) / options.steps;
        for (int i = 0; i < options.steps; ++i) {
            const auto index = static_cast<int64_t>(std::floor(i * skip));
            m_timesteps.push_back((original - index) * stride - 1);
        }
    }

    int callCount() const override { return static_cast<int>(m_timesteps.size()); }
    double timestep(int call) const override { return static_cast<double>(timestepAt(call)); }
    double initialNoiseSigma() const override { return 1; }
    Tensor scaleModelInput(const Tensor& latents, int) const override { return latents; }

    Tensor step(const Tensor& modelOutput, int call, const Tensor& latents,
                BatchNoise& noise) override {
        const double alpha = alphaAt(timestepAt(call));
        const Tensor original = m_limits(originalFrom(m_prediction, std::sqrt(alpha),
                                                      std::sqrt(1 - alpha))(latents, modelOutput));
        // The boundary condition that makes the model the identity at timestep 0.
        constexpr double dataVariance = 0.25;
        const double scaled = timestep(call) * m_timestepScaling;
        const double total = scaled * scaled + dataVariance;
        m_denoised =
            combine({{scaled / std::sqrt(total), original}, {dataVariance / total, latents}});

        if (call + 1 == callCount()) return m_denoised;
        const double alphaNext = alphaAt(timestepAt(call + 1));
        const Tensor drawn =
            noise.draw(latents.device(), latents.dim(1), latents.dim(2), latents.dim(3));
        return combine({{std::sqrt(alphaNext), m_denoised}, {std::sqrt(1 - alphaNext), drawn}});
    }

  private:
    int64_t timestepAt(int call) const { return m_timesteps.at(static_cast<size_t>(call)); }
    double alphaAt(int64_t timestep) const { return m_alphas[static_cast<size_t>(timestep)]; }

    std::vector<float> m_alphas; // cumulative
    Prediction m_prediction;
    OriginalLimits m_limits;
    double m_timestepScaling;
    std::vector<int64_t> m_timesteps;
};

} // namespace

SchedulerInfo lcmScheduler() {
    return {"lcm",
            "LCM",
            "LCMScheduler",
            {"normal"},
            [](const nlohmann::json& config,
               const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
                return std::make_unique<LcmScheduler>(
                    SchedulerConfig(config, "LCMScheduler", options.configLabel), options);
            }};
}

} // namespace kinora::pipelines
