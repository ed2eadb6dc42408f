// PNDM: linear multistep, begun by Runge-Kutta steps or, as Stable Diffusion does, by one improved
// Euler step (skip_prk_steps; the sampler's default). Source: Liu et al. 2022, equations 11 to 13;
// numbers as diffusers' PNDMScheduler.

#include "pipelines/schedulers/alpha_scheduler.h"
#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/scheduler_list.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

constexpr size_t kOrder = 4;              // newest first, the memory's first tensors
constexpr size_t kHeldSample = kOrder;    // where the step began
constexpr size_t kOutputSum = kOrder + 1; // of a Runge-Kutta step's calls so far
constexpr int kRungeKuttaSteps = 3, kStages = 4;

class PndmScheduler final : public AlphaScheduler {
  public:
    PndmScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : AlphaScheduler(config, {}, ZeroSnr::Unknown), m_finalAlpha(finalAlpha(config, false)) {
        if (m_prediction == Prediction::Sample) config.unsupported("prediction_type", "");
        spaceTimesteps(config, options.steps);
        m_stride = config.trainTimesteps() / options.steps;
        if (!config.flag("skip_prk_steps", true)) {
            checkSteps(options.steps, config.trainTimesteps(), "for Runge-Kutta steps", kStages);
            beginWithRungeKutta();
        } else if (m_timesteps.size() > 1) {
            m_timesteps.insert(m_timesteps.begin() + 1, m_timesteps[1]);
        }
        m_memory.tensors.resize(kOrder + 2);
    }

  private:
    // Four calls for each of three steps: where it begins, twice halfway, where it ends.
    void beginWithRungeKutta() {
        const double half = static_cast<double>(m_stride / 2);
        for (size_t i = 0; i < kRungeKuttaSteps; ++i)
            for (double timestep : {m_timesteps[i], m_timesteps[i + 1] + half,
                                    m_timesteps[i + 1] + half, m_timesteps[i + 1]})
                m_rungeKutta.push_back(static_cast<int64_t>(timestep));
        m_timesteps.erase(m_timesteps.begin(), m_timesteps.begin() + kRungeKuttaSteps);
        m_timesteps.insert(m_timesteps.begin(), m_rungeKutta.begin(), m_rungeKutta.end());
    }

    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise&) override {
        m_denoised = originalAt(call, latents, modelOutput);
        return m_memory.stepsTaken < static_cast<int64_t>(m_rungeKutta.size())
                   ? rungeKutta(modelOutput, timestepAt(call), latents)
                   : multistep(modelOutput, timestepAt(call), latents);
    }

    Tensor rungeKutta(const Tensor& modelOutput, int64_t timestep, const Tensor& latents) {
        auto& memory = m_memory.tensors;
        const int64_t stage = m_memory.stepsTaken % kStages;
        const int64_t from = m_rungeKutta[static_cast<size_t>(m_memory.stepsTaken - stage)];
        const int64_t to = stage % 2 == 0 ? timestep - m_stride / 2 : timestep;
        if (stage == 0) {
            remember(modelOutput);
            memory[kHeldSample] = latents;
            memory[kOutputSum] = combine({{1.0 / 6, modelOutput}});
        } else if (stage < 3) {
            memory[kOutputSum] = combine({{1, memory[kOutputSum]}, {1.0 / 3, modelOutput}});
        } else {
            const Tensor sum = combine({{1, memory[kOutputSum]}, {1.0 / 6, modelOutput}});
            memory[kOutputSum] = {};
            return move(memory[kHeldSample], sum, from, to);
        }
        return move(memory[kHeldSample], modelOutput, from, to);
    }

    Tensor multistep(const Tensor& modelOutput, int64_t timestep, const Tensor& latents) {
        auto& e = m_memory.tensors;
        if (m_memory.stepsTaken == 1) { // the first step again, with the mean of its two ends
            const Tensor begun = std::exchange(e[kHeldSample], {});
            return move(begun, combine({{0.5, modelOutput}, {0.5, e[0]}}), timestep + m_stride,
                        timestep);
        }
        remember(modelOutput);
        if (m_memory.stepsTaken == 0) e[kHeldSample] = latents;
        return move(latents, extrapolated(), timestep, timestep - m_stride);
    }

    void remember(const Tensor& modelOutput) {
        const auto end = m_memory.tensors.begin() + kOrder;
        std::shift_right(m_memory.tensors.begin(), end, 1);
        m_memory.tensors[0] = modelOutput;
    }

    // Adams and Bashforth's formulas, of the order that the history allows.
    Tensor extrapolated() const {
        const auto& e = m_memory.tensors;
        if (!e[1].defined()) return e[0];
        if (!e[2].defined()) return combine({{1.5, e[0]}, {-0.5, e[1]}});
        if (!e[3].defined()) return combine({{23. / 12, e[0]}, {-16. / 12, e[1]}, {5. / 12, e[2]}});
        return combine({{55. / 24, e[0]}, {-59. / 24, e[1]}, {37. / 24, e[2]}, {-9. / 24, e[3]}});
    }

    // Equation 11. A timestep below 0 is the end of the run.
    Tensor move(const Tensor& latents, const Tensor& modelOutput, int64_t from, int64_t to) const {
        const double alpha = alphaAt(from), next = to >= 0 ? alphaAt(to) : m_finalAlpha;
        const double scale = alpha * std::sqrt(1 - next) + std::sqrt(alpha * (1 - alpha) * next);
        const double share = (next - alpha) / scale;
        const Blend noise = noiseFrom(m_prediction, std::sqrt(alpha), std::sqrt(1 - alpha));
        return combine({{std::sqrt(next / alpha) - share * noise.sample, latents},
                        {-share * noise.output, modelOutput}});
    }

    double m_finalAlpha;
    int64_t m_stride = 0;              // training timesteps between two steps
    std::vector<int64_t> m_rungeKutta; // timesteps of the calls that begin the run
};

} // namespace

SchedulerInfo pndmScheduler() {
    return {"pndm", "PNDM", "PNDMScheduler", {"normal"}, makeMember<PndmScheduler>};
}

} // namespace kinora::pipelines
