// Euler's method. Source: Karras et al. 2022, algorithm 2 without churn; numbers as diffusers'
// EulerDiscreteScheduler.

#include "pipelines/schedulers/euler_common.h"
#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/sigma_schedule.h"
#include "pipelines/schedulers/timestep_spacing.h"
#include "pipelines/schedulers/training_noise.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class EulerScheduler final : public Scheduler {
  public:
    EulerScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : m_prediction(predictionType(config)) {
        checkSteps(options.steps, config.trainTimesteps(), "the model's training timesteps");
        const SigmaTable table(trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Lift)));
        chooseSigmas(config, table, options);
        m_sigmas.push_back(static_cast<float>(finalSigma(config, table)));
        m_startSigma = startSigma(m_sigmas, eulerSpacing(config));

        const bool continuous =
            config.choice("timestep_type", "discrete", {"discrete", "continuous"}) == "continuous";
        if (continuous && m_prediction == Prediction::Velocity)
            for (size_t i = 0; i < m_timesteps.size(); ++i)
                m_timesteps[i] = 0.25 * std::log(double{m_sigmas[i]});
    }

    int callCount() const override { return static_cast<int>(m_timesteps.size()); }
    double timestep(int call) const override { return m_timesteps.at(static_cast<size_t>(call)); }
    double initialNoiseSigma() const override { return m_startSigma; }

    Tensor scaleModelInput(const Tensor& latents, int call) const override {
        const double sigma = sigmaAt(call);
        return combine({{1 / std::sqrt(sigma * sigma + 1), latents}});
    }

    Tensor step(const Tensor& modelOutput, int call, const Tensor& latents, BatchNoise&) override {
        m_denoised = eulerOriginal(m_prediction, sigmaAt(call), latents, modelOutput);
        return eulerMove(latents, m_denoised, sigmaAt(call), sigmaAt(call + 1));
    }

  private:
    void chooseSigmas(const SchedulerConfig& config, const SigmaTable& table,
                      const SchedulerOptions& options) {
        m_timesteps = eulerTimesteps(config, options.steps);
        std::vector<double> sigmas;
        if (config.choice("interpolation_type", "linear", {"linear", "log_linear"}) == "linear") {
            for (double timestep : m_timesteps) sigmas.push_back(table.at(timestep));
        } else { // one level more than there are steps: the run ends there, above the final one
            for (double level :
                 linspace(table.logSigmas.back(), table.logSigmas.front(), options.steps + 1))
                sigmas.push_back(std::exp(level));
        }
        const std::string schedule = chosenSchedule(config, options.schedule);
        if (schedule != "normal") {
            const SigmaRange range = sigmaRange(config, {sigmas.front(), sigmas.back()});
            const NoiseSteps noise = makeNoiseSteps(schedule, table, range, options.steps);
            sigmas = noise.sigmas;
            m_timesteps.clear();
            for (double timestep : noise.timesteps)
                m_timesteps.push_back(static_cast<float>(timestep));
        }
        m_sigmas.assign(sigmas.begin(), sigmas.end());
    }

    float sigmaAt(int call) const { return m_sigmas.at(static_cast<size_t>(call)); }

    Prediction m_prediction;
    std::vector<double> m_timesteps;
    std::vector<float> m_sigmas; // one for each step, and the final one
    double m_startSigma = 1;
};

} // namespace

SchedulerInfo eulerScheduler() {
    return {"euler",
            "Euler",
            "EulerDiscreteScheduler",
            {"normal", "karras", "exponential", "beta", "sgm_uniform", "simple"},
            [](const nlohmann::json& config,
               const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
                return std::make_unique<EulerScheduler>(
                    SchedulerConfig(config, "EulerDiscreteScheduler", options.configLabel),
                    options);
            }};
}

} // namespace kinora::pipelines
