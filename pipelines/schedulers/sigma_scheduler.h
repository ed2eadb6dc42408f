#pragma once
// What the samplers over sigmas in the manner of k-diffusion share: latents are x0 + sigma * noise,
// scaled before they are shown to the denoiser. Source: Karras et al. 2022.

#include "pipelines/schedulers/prediction.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/schedulers/sigma_schedule.h"

#include <string>
#include <vector>

namespace kinora::pipelines {

class SigmaScheduler : public Scheduler {
  public:
    double initialNoiseSigma() const override { return m_startSigma; }
    kernels::Tensor scaleModelInput(const kernels::Tensor& latents, int call) const override;
    NoiseMix noiseMix(int call) const override { return {1, sigmaAt(call)}; }

  protected:
    explicit SigmaScheduler(const SchedulerConfig& config) : m_prediction(predictionType(config)) {}

    // Timesteps by timestep_spacing (linspace where the config does not say) with the table's noise
    // levels. Throws Error{InvalidArgument} for too many steps.
    static NoiseSteps spacedSteps(const SchedulerConfig& config, const SigmaTable& table,
                                  int steps);
    // The steps of a schedule other than "normal", between the ends of `spaced` where the config
    // does not say.
    static NoiseSteps scheduledSteps(const SchedulerConfig& config, const SigmaTable& table,
                                     const NoiseSteps& spaced, const std::string& schedule,
                                     int steps);
    // Both in one: what the config or the options say.
    static NoiseSteps chosenSteps(const SchedulerConfig& config, const SigmaTable& table,
                                  const SchedulerOptions& options);
    // Takes one call for each step, and the start sigma. final: after the last step.
    void takeSteps(const SchedulerConfig& config, const NoiseSteps& steps, double final);

    // Before call i; of callCount(), after the last.
    float sigmaAt(int call) const { return m_sigmas.at(static_cast<size_t>(call)); }
    // What the denoiser sees at call i. Differs from sigmaAt between two levels.
    virtual float inputSigma(int call) const { return sigmaAt(call); }

    Prediction m_prediction;
    std::vector<float> m_sigmas; // one for each call, and the final one
    double m_startSigma = 1;
};

// These round to float32 after each operation, as the reference does: with zero terminal SNR the
// first sigma is 4096, and what is lost there is seen in the result.
kernels::Tensor eulerOriginal(Prediction prediction, double sigma, const kernels::Tensor& latents,
                              const kernels::Tensor& modelOutput);
// (x - x0) / sigma
kernels::Tensor eulerDerivative(const kernels::Tensor& latents, const kernels::Tensor& original,
                                float sigma);
// x + derivative * distance
kernels::Tensor eulerMove(const kernels::Tensor& latents, const kernels::Tensor& derivative,
                          float distance);

} // namespace kinora::pipelines
