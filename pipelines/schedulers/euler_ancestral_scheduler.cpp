// Euler's method with fresh noise at every step. Numbers as diffusers'
// EulerAncestralDiscreteScheduler, after k-diffusion's sample_euler_ancestral.

#include "pipelines/schedulers/euler_common.h"
#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/sigma_schedule.h"
#include "pipelines/schedulers/training_noise.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class EulerAncestralScheduler final : public Scheduler {
  public:
    EulerAncestralScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : m_prediction(predictionType(config)) {
        if (m_prediction == Prediction::Sample) config.unsupported("prediction_type", "");
        checkSteps(options.steps, config.trainTimesteps(), "the model's training timesteps");
        const SigmaTable table(trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Lift)));
        if (options.schedule == "normal") {
            m_timesteps = eulerTimesteps(config, options.steps);
            for (double timestep : m_timesteps)
                m_sigmas.push_back(static_cast<float>(table.at(timestep)));
        } else {
            const SigmaRange range{table.sigmas.back(), table.sigmas.front()};
            const NoiseSteps noise = makeNoiseSteps(options.schedule, table, range, options.steps);
            m_sigmas.assign(noise.sigmas.begin(), noise.sigmas.end());
            for (double timestep : noise.timesteps)
                m_timesteps.push_back(static_cast<float>(timestep));
        }
        m_sigmas.push_back(0);
        m_startSigma = startSigma(m_sigmas, eulerSpacing(config));
    }

    int callCount() const override { return static_cast<int>(m_timesteps.size()); }
    double timestep(int call) const override { return m_timesteps.at(static_cast<size_t>(call)); }
    double initialNoiseSigma() const override { return m_startSigma; }

    Tensor scaleModelInput(const Tensor& latents, int call) const override {
        const double sigma = sigmaAt(call);
        return combine({{1 / std::sqrt(sigma * sigma + 1), latents}});
    }

    Tensor step(const Tensor& modelOutput, int call, const Tensor& latents,
                BatchNoise& noise) override {
        // In float32: down loses digits where up is near to, and so it does in the reference.
        const float from = sigmaAt(call), to = sigmaAt(call + 1);
        const float up = std::sqrt(to * to * (from * from - to * to) / (from * from));
        const float down = std::sqrt(std::fmax(to * to - up * up, 0.0f));
        m_denoised = eulerOriginal(m_prediction, from, latents, modelOutput);
        const Tensor moved = eulerMove(latents, m_denoised, from, down);
        // Drawn at the last step too, where it counts for nothing: the next picture's draws of the
        // same generator come after it.
        const Tensor drawn =
            noise.draw(latents.device(), latents.dim(1), latents.dim(2), latents.dim(3));
        return combine({{1, moved}, {up, drawn}});
    }

  private:
    float sigmaAt(int call) const { return m_sigmas.at(static_cast<size_t>(call)); }

    Prediction m_prediction;
    std::vector<double> m_timesteps;
    std::vector<float> m_sigmas; // one for each step, then 0
    double m_startSigma = 1;
};

} // namespace

SchedulerInfo eulerAncestralScheduler() {
    return {"euler_a",
            "Euler ancestral",
            "EulerAncestralDiscreteScheduler",
            {"normal", "sgm_uniform", "simple"},
            [](const nlohmann::json& config,
               const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
                return std::make_unique<EulerAncestralScheduler>(
                    SchedulerConfig(config, "EulerAncestralDiscreteScheduler", options.configLabel),
                    options);
            }};
}

} // namespace kinora::pipelines
