// DEIS, log-rho multistep, orders 1 to 3: the noise is extrapolated by a polynomial in log(rho),
// with rho = sigma / alpha. Source: Zhang and Chen 2023; numbers as diffusers'
// DEISMultistepScheduler.

#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/solver_scheduler.h"
#include "pipelines/schedulers/training_noise.h"

#include <array>
#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class DeisScheduler final : public SolverScheduler {
  public:
    DeisScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : SolverScheduler(config), m_lowerOrderFinal(config.flag("lower_order_final", true)) {
        // Other classes' values, which this class takes as its own.
        config.choice("algorithm_type", "deis", {"deis", "dpmsolver", "dpmsolver++"});
        config.choice("solver_type", "logrho", {"logrho", "midpoint", "heun", "bh1", "bh2"});
        const SigmaTable table(
            trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Unknown)));
        const auto spaced = spacedTimesteps(config, config.trainTimesteps(), options.steps);
        const std::string schedule = chosenSchedule(config, options.schedule);
        const NoiseSteps steps = scheduledSteps(config, table, spaced, schedule);
        // The class ends these schedules at their last level once more, so that the last step stays
        // where it is.
        takeSteps(steps, followsRange(schedule) ? steps.sigmas.back() : table.sigmas.front());
    }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise&) override {
        readOriginal(modelOutput, call, latents);
        remember(noiseBesideDenoised(call, latents));
        const double alpha = level(call + 1).alpha;
        HistoryWeights weights =
            historyWeights(multistepOrder(call, m_lowerOrderFinal, false), call);
        for (double& weight : weights) weight *= alpha;
        return blend(alpha / level(call).alpha, latents, weights);
    }

    // The integrals over rho, from this call's to the next one's, of the Lagrange polynomials in
    // log(rho) through the levels of the last `order` predictions.
    HistoryWeights historyWeights(int order, int call) const {
        const double from = rho(call), to = rho(call + 1);
        HistoryWeights weights{};
        for (int i = 0; i < order; ++i) {
            // Coefficients of 1, log(rho) and log(rho)^2.
            std::array<double, kMostSolverOrder> basis = {1, 0, 0};
            for (int k = 0; k < order; ++k) {
                if (k == i) continue;
                const double root = std::log(rho(call - k));
                const double scale = 1 / (std::log(rho(call - i)) - root);
                basis = {-root * basis[0] * scale, (basis[0] - root * basis[1]) * scale,
                         (basis[1] - root * basis[2]) * scale};
            }
            weights[static_cast<size_t>(i)] = integral(basis, to) - integral(basis, from);
        }
        return weights;
    }

    static double integral(const std::array<double, kMostSolverOrder>& basis, double rho) {
        const double log = std::log(rho);
        return rho * (basis[0] + basis[1] * (log - 1) + basis[2] * (log * log - 2 * log + 2));
    }

    double rho(int call) const { return m_sigmas.at(static_cast<size_t>(call)); }

    bool m_lowerOrderFinal;
};

} // namespace

SchedulerInfo deisScheduler() {
    return {"deis", "DEIS", "DEISMultistepScheduler", allSchedules(), makeMember<DeisScheduler>};
}

} // namespace kinora::pipelines
