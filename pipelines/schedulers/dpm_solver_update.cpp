#include "pipelines/schedulers/dpm_solver_update.h"

#include <cmath>

namespace kinora::pipelines {

DpmSolver dpmSolverFrom(const SchedulerConfig& config, const std::string& forced,
                        const std::vector<std::string_view>& known) {
    const std::string algorithm =
        forced.empty() ? config.choice("algorithm_type", "dpmsolver++", known) : forced;
    // logrho, bh1 and bh2 are other classes' values, which these take as their own, and so is deis.
    const std::string type =
        config.choice("solver_type", "midpoint", {"midpoint", "heun", "logrho", "bh1", "bh2"});
    const DpmSolver solver{algorithm == "deis" || algorithm.ends_with("++"),
                           algorithm.starts_with("sde-"), type == "heun"};
    if (!solver.onOriginal &&
        config.choice("final_sigmas_type", "zero", {"zero", "sigma_min"}) != "sigma_min")
        config.unsupported("algorithm_type", "it needs final_sigmas_type sigma_min");
    return solver;
}

void refuseLearnedVariance(const SchedulerConfig& config) {
    if (config.isSet("variance_type"))
        config.choice("variance_type", "",
                      {"fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"});
}

DpmUpdate dpmUpdate(const DpmSolver& solver, int order, const NoiseLevel& from,
                    const NoiseLevel& to) {
    const double h = to.lambda - from.lambda;
    const bool halved = order == 2 && !solver.heun; // midpoint: half of D_0's coefficient
    DpmUpdate update;
    if (solver.onOriginal) {
        const double growth = solver.stochastic ? 2 * h : h;
        const double gain = std::expm1(-growth); // -1 at the end, where h is infinite
        update.sample = to.sigma / from.sigma * (solver.stochastic ? std::exp(-h) : 1);
        update.derivatives[0] = -to.alpha * gain;
        if (order > 1)
            update.derivatives[1] =
                halved ? -0.5 * to.alpha * gain : to.alpha * (gain / growth + 1);
        if (order > 2) {
            const double third = solver.stochastic ? (-gain - growth) / (growth * growth) - 0.5
                                                   : -((gain + growth) / (growth * growth) - 0.5);
            update.derivatives[2] = to.alpha * third;
        }
        if (solver.stochastic) update.noise = to.sigma * std::sqrt(-gain);
        return update;
    }
    const double gain = std::expm1(h);
    const double factor = solver.stochastic ? -2 * to.sigma : -to.sigma;
    update.sample = to.alpha / from.alpha;
    update.derivatives[0] = factor * gain;
    if (order > 1) update.derivatives[1] = factor * (halved ? 0.5 * gain : gain / h - 1);
    if (order > 2) update.derivatives[2] = factor * ((gain - h) / (h * h) - 0.5);
    if (solver.stochastic) update.noise = to.sigma * std::sqrt(std::expm1(2 * h));
    return update;
}

} // namespace kinora::pipelines
