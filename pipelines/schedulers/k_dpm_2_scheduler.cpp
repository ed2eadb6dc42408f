// The midpoint method, its midpoint taken in the logarithm of sigma, and the same with fresh noise
// at every step. Source: Karras et al. 2022, algorithm 2; numbers as diffusers'
// KDPM2DiscreteScheduler and KDPM2AncestralDiscreteScheduler.

#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/sigma_scheduler.h"
#include "pipelines/schedulers/training_noise.h"

#include <cmath>
#include <utility>
#include <vector>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

enum class Noise { None, Ancestral };

template <Noise noise> class KDpm2Scheduler final : public SigmaScheduler {
  public:
    KDpm2Scheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : SigmaScheduler(config) {
        if (m_prediction == Prediction::Sample) config.unsupported("prediction_type", "");
        const BetaDefaults defaults{.start = 0.00085, .end = 0.012};
        const SigmaTable table(
            trainingSigmas(config, cumulativeAlphas(config, defaults, ZeroSnr::Unknown)));
        NoiseSteps steps = chosenSteps(config, table, options);
        if (chosenSchedule(config, options.schedule) == "karras")
            for (double& timestep : steps.timesteps) timestep = std::nearbyint(timestep);
        takeSteps(config, withMidpoints(table, steps), 0);
        m_memory.tensors.resize(1); // the latents where the step began
    }

    int callsPerStep() const override { return 2; }

  private:
    // A step from level i calls the denoiser there and at the midpoint, from the last level only
    // there. After the first call the run counts as being at the next level, as in the reference.
    NoiseSteps withMidpoints(const SigmaTable& table, const NoiseSteps& steps) {
        NoiseSteps calls;
        for (size_t i = 0; i < steps.sigmas.size(); ++i) {
            const auto from = static_cast<float>(steps.sigmas[i]);
            calls.sigmas.push_back(from);
            calls.timesteps.push_back(steps.timesteps[i]);
            m_midpoints.push_back(0); // for the last step: to the end in one
            if (i + 1 == steps.sigmas.size()) break;
            const auto to = static_cast<float>(steps.sigmas[i + 1]);
            const float target = noise == Noise::Ancestral ? ancestralStep(from, to).down : to;
            m_midpoints.back() = std::exp((std::log(from) + std::log(target)) / 2);
            calls.sigmas.push_back(to);
            calls.timesteps.push_back(table.timestep(m_midpoints.back()));
        }
        return calls;
    }

    float midpoint(int call) const { return m_midpoints.at(static_cast<size_t>(call / 2)); }
    float inputSigma(int call) const override {
        return call % 2 == 0 ? sigmaAt(call) : midpoint(call);
    }

    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise& fresh) override {
        const float sigma = inputSigma(call);
        m_denoised = eulerOriginal(m_prediction, sigma, latents, modelOutput);
        const Tensor derivative = eulerDerivative(latents, m_denoised, sigma);
        Tensor& begun = m_memory.tensors[0];
        if (call % 2 == 0) {
            begun = latents;
            return eulerMove(latents, derivative, midpoint(call) - sigma);
        }
        const Tensor held = std::exchange(begun, {});
        const float from = sigmaAt(call - 1), to = sigmaAt(call);
        if (noise == Noise::None) return eulerMove(held, derivative, to - from);
        const auto [down, up] = ancestralStep(from, to);
        const Tensor moved = eulerMove(held, derivative, down - from);
        return combine({{1, moved}, {up, draw(fresh, latents)}});
    }

    std::vector<float> m_midpoints; // of each step
};

} // namespace

SchedulerInfo kDpm2Scheduler() {
    return {"dpm2", "DPM2", "KDPM2DiscreteScheduler", allSchedules(),
            makeMember<KDpm2Scheduler<Noise::None>>};
}

SchedulerInfo kDpm2AncestralScheduler() {
    return {"dpm2_a", "DPM2 ancestral", "KDPM2AncestralDiscreteScheduler", allSchedules(),
            makeMember<KDpm2Scheduler<Noise::Ancestral>>};
}

} // namespace kinora::pipelines
