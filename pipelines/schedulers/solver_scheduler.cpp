#include "pipelines/schedulers/solver_scheduler.h"

#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/timestep_spacing.h"

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {

using kernels::Tensor;

namespace {

constexpr int kFewSteps = 15; // below it the last steps are taken with lower order

} // namespace

NoiseLevel::NoiseLevel(double ratio)
    : alpha(1 / std::sqrt(ratio * ratio + 1)), sigma(ratio * alpha),
      lambda(std::log(alpha) - std::log(sigma)) {}

SolverScheduler::SolverScheduler(const SchedulerConfig& config, size_t more)
    : m_prediction(predictionType(config)), m_limits(OriginalLimits::threshold(config)),
      m_order(static_cast<int>(config.integer("solver_order", 2, 1, kMostSolverOrder))) {
    for (const char* key : {"use_flow_sigmas", "use_dynamic_shifting"})
        if (config.flag(key, false)) config.unsupported(key, "it is for flow matching models");
    m_memory.tensors.resize(kMostSolverOrder + more);
}

NoiseMix SolverScheduler::noiseMix(int call) const {
    const NoiseLevel at = level(call);
    return {at.alpha, at.sigma};
}

std::vector<double> SolverScheduler::evenTimesteps(const SchedulerConfig& config, int64_t count,
                                                   int steps) {
    checkSteps(steps, config.trainTimesteps(), "the model's training timesteps");
    std::vector<double> timesteps = linspace(0, static_cast<double>(count - 1), steps + 1);
    for (double& timestep : timesteps) timestep = std::nearbyint(timestep);
    std::ranges::reverse(timesteps);
    timesteps.pop_back();
    return timesteps;
}

std::vector<double> SolverScheduler::spacedTimesteps(const SchedulerConfig& config, int64_t count,
                                                     int steps) {
    const int64_t train = config.trainTimesteps();
    checkSteps(steps, train, "the model's training timesteps");
    const std::string spacing =
        config.choice("timestep_spacing", "linspace", {"linspace", "leading", "trailing"});
    if (spacing == "leading")
        return leadingTimesteps(count / (steps + 1), 1, steps,
                                config.integer("steps_offset", 0, 0, train));
    if (spacing == "trailing")
        return trailingTimesteps(count, static_cast<double>(train) / steps, steps);
    return evenTimesteps(config, count, steps);
}

int64_t SolverScheduler::clippedTimesteps(const SchedulerConfig& config, const SigmaTable& table) {
    const double least = config.numberOrMinusInfinity("lambda_min_clipped");
    const auto kept = std::ranges::count_if(
        table.logSigmas, [&](float logSigma) { return -double{logSigma} >= least; });
    if (kept < 2) config.bad("lambda_min_clipped", "a number that leaves two timesteps or more");
    return kept;
}

NoiseSteps SolverScheduler::scheduledSteps(const SchedulerConfig& config, const SigmaTable& table,
                                           const std::vector<double>& spaced,
                                           const std::string& schedule, Rounding rounding) {
    if (schedule == "normal") {
        NoiseSteps chosen{{}, spaced};
        for (double timestep : spaced) chosen.sigmas.push_back(table.at(timestep));
        return chosen;
    }
    const SigmaRange range = sigmaRange(config, {table.sigmas.back(), table.sigmas.front()});
    const int steps = static_cast<int>(spaced.size());
    NoiseSteps chosen = makeNoiseSteps(schedule, table, range, steps);
    // The reference rounds where its class says so, and otherwise cuts off.
    const bool cut = schedule == "exponential" || schedule == "beta" ||
                     (rounding == Rounding::Down && (schedule == "karras" || schedule == "lu"));
    for (double& timestep : chosen.timesteps)
        timestep = cut ? std::trunc(timestep) : std::nearbyint(timestep);
    return chosen;
}

void SolverScheduler::takeSteps(const NoiseSteps& steps, double final) {
    m_timesteps = steps.timesteps;
    m_sigmas.assign(steps.sigmas.begin(), steps.sigmas.end());
    m_sigmas.push_back(static_cast<float>(final));
}

NoiseLevel SolverScheduler::level(int call) const {
    return NoiseLevel(m_sigmas.at(static_cast<size_t>(call)));
}

const Tensor& SolverScheduler::readOriginal(const Tensor& modelOutput, int call,
                                            const Tensor& latents) {
    const NoiseLevel at = level(call);
    m_denoised = m_limits(originalFrom(m_prediction, at.alpha, at.sigma)(latents, modelOutput));
    return m_denoised;
}

Tensor SolverScheduler::readNoise(const Tensor& modelOutput, int call,
                                  const Tensor& latents) const {
    const NoiseLevel at = level(call);
    return noiseFrom(m_prediction, at.alpha, at.sigma)(latents, modelOutput);
}

Tensor SolverScheduler::noiseBesideDenoised(int call, const Tensor& latents) const {
    const NoiseLevel at = level(call);
    return combine({{1 / at.sigma, latents}, {-at.alpha / at.sigma, m_denoised}});
}

void SolverScheduler::remember(const Tensor& prediction) {
    const auto begin = m_memory.tensors.begin();
    std::shift_right(begin, begin + kMostSolverOrder, 1);
    *begin = prediction;
}

Tensor SolverScheduler::blend(double share, const Tensor& latents, const HistoryWeights& weights,
                              const Weighted& more) const {
    const auto& predictions = m_memory.tensors;
    return combine({{share, latents},
                    {weights[0], predictions[0]},
                    {weights[1], predictions[1]},
                    {weights[2], predictions[2]},
                    more});
}

int SolverScheduler::multistepOrder(int call, bool lowerOrderFinal, bool firstOrderFinal) const {
    const int left = callCount() - 1 - call; // steps after this one
    const bool few = lowerOrderFinal && callCount() < kFewSteps;
    const int64_t taken = m_memory.stepsTaken;
    if (m_order == 1 || taken < 1 || (left == 0 && (few || firstOrderFinal))) return 1;
    if (m_order == 2 || taken < 2 || (left == 1 && few)) return 2;
    return 3;
}

} // namespace kinora::pipelines
