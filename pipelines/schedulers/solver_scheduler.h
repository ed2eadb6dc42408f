#pragma once
// What the samplers over the logarithm of the signal-to-noise ratio share (DPM-Solver, DEIS,
// UniPC): latents are alpha * x0 + sigma * noise, timesteps are whole, and earlier predictions are
// kept.

#include "pipelines/schedulers/prediction.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/schedulers/sigma_schedule.h"

#include <array>
#include <string>
#include <vector>

namespace kinora::pipelines {

constexpr int kMostSolverOrder = 3;

// Latents are alpha * x0 + sigma * noise; lambda = log(alpha / sigma), infinite without noise.
struct NoiseLevel {
    explicit NoiseLevel(double ratio); // sigma / alpha
    double alpha, sigma, lambda;
};

// How the timesteps of a karras (or lu) schedule become whole.
enum class Rounding { Nearest, Down };

class SolverScheduler : public Scheduler {
  public:
    NoiseMix noiseMix(int call) const override;

  protected:
    // Reads prediction_type, thresholding and solver_order; refuses flow matching. The memory holds
    // kMostSolverOrder predictions, newest first, and `more` tensors after them.
    explicit SolverScheduler(const SchedulerConfig& config, size_t more = 0);

    // Whole timesteps by timestep_spacing (linspace where the config does not say). count: of the
    // training timesteps, from the first, that the run may visit. Throws Error{InvalidArgument} for
    // too many steps.
    static std::vector<double> spacedTimesteps(const SchedulerConfig& config, int64_t count,
                                               int steps);
    // spacedTimesteps() of linspace: one point more than there are steps, the last left out.
    static std::vector<double> evenTimesteps(const SchedulerConfig& config, int64_t count,
                                             int steps);
    // How far down lambda_min_clipped lets the timesteps go, as a count from the first.
    static int64_t clippedTimesteps(const SchedulerConfig& config, const SigmaTable& table);
    // schedule "normal": `spaced` with its noise levels; another: its own steps.
    static NoiseSteps scheduledSteps(const SchedulerConfig& config, const SigmaTable& table,
                                     const std::vector<double>& spaced, const std::string& schedule,
                                     Rounding rounding = Rounding::Nearest);
    // final: the noise level after the last step.
    void takeSteps(const NoiseSteps& steps, double final);

    // Before call i; of callCount(), after the last.
    NoiseLevel level(int call) const;

    // The model's x0 within its limits, which becomes denoised().
    const kernels::Tensor& readOriginal(const kernels::Tensor& modelOutput, int call,
                                        const kernels::Tensor& latents);
    // The noise as the model output says it, and as denoised() leaves it.
    kernels::Tensor readNoise(const kernels::Tensor& modelOutput, int call,
                              const kernels::Tensor& latents) const;
    kernels::Tensor noiseBesideDenoised(int call, const kernels::Tensor& latents) const;
    void remember(const kernels::Tensor& prediction);
    // share * latents + weights[i] * the i-th newest prediction + more.
    using HistoryWeights = std::array<double, kMostSolverOrder>;
    kernels::Tensor blend(double share, const kernels::Tensor& latents,
                          const HistoryWeights& weights, const Weighted& more = {0, {}}) const;
    // The order that a multistep solver takes this call with: what the history allows, and less at
    // the end, where lowerOrderFinal asks for it in short runs and firstOrderFinal in all.
    int multistepOrder(int call, bool lowerOrderFinal, bool firstOrderFinal) const;

    Prediction m_prediction;
    OriginalLimits m_limits;
    int m_order;                 // solver_order
    std::vector<float> m_sigmas; // sigma / alpha, one for each step, and the final one
};

} // namespace kinora::pipelines
