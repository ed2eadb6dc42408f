// Euler's method. Source: Karras et al. 2022, algorithm 2 without churn; numbers as diffusers'
// EulerDiscreteScheduler.

#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/sigma_scheduler.h"
#include "pipelines/schedulers/timestep_spacing.h"
#include "pipelines/schedulers/training_noise.h"

#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class EulerScheduler final : public SigmaScheduler {
  public:
    EulerScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : SigmaScheduler(config) {
        const SigmaTable table(trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Lift)));
        NoiseSteps steps = spacedSteps(config, table, options.steps);
        if (config.choice("interpolation_type", "linear", {"linear", "log_linear"}) != "linear")
            steps.sigmas = logLinearSigmas(table, options.steps);
        const std::string schedule = chosenSchedule(config, options.schedule);
        if (schedule != "normal")
            steps = scheduledSteps(config, table, steps, schedule, options.steps);
        takeSteps(config, steps, finalSigma(config, table));

        const bool continuous =
            config.choice("timestep_type", "discrete", {"discrete", "continuous"}) == "continuous";
        if (continuous && m_prediction == Prediction::Velocity)
            for (size_t i = 0; i < m_timesteps.size(); ++i)
                m_timesteps[i] = 0.25 * std::log(double{m_sigmas[i]});
    }

  private:
    // One level more than there are steps: the run ends there, above the final one.
    static std::vector<double> logLinearSigmas(const SigmaTable& table, int steps) {
        std::vector<double> sigmas =
            linspace(table.logSigmas.back(), table.logSigmas.front(), steps + 1);
        for (double& sigma : sigmas) sigma = std::exp(sigma);
        return sigmas;
    }

    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise&) override {
        const float from = sigmaAt(call), to = sigmaAt(call + 1);
        m_denoised = eulerOriginal(m_prediction, from, latents, modelOutput);
        return eulerMove(latents, eulerDerivative(latents, m_denoised, from), to - from);
    }
};

} // namespace

SchedulerInfo eulerScheduler() {
    return {"euler", "Euler", "EulerDiscreteScheduler", allSchedules(), makeMember<EulerScheduler>};
}

} // namespace kinora::pipelines
