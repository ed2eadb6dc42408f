#pragma once
// One step of DPM-Solver and DPM-Solver++, as the multistep and the singlestep scheduler take it.
// Source: Lu et al. 2022 (DPM-Solver, DPM-Solver++), and their SDE variants as diffusers has them.

#include "pipelines/schedulers/scheduler_config.h"
#include "pipelines/schedulers/solver_scheduler.h"

#include <array>
#include <string>

namespace kinora::pipelines {

struct DpmSolver {
    bool onOriginal; // "++": integrates x0, otherwise the noise
    bool stochastic; // "sde-"
    bool heun;       // solver_type
};

// algorithm_type, or `forced` where it is not empty, and solver_type. known: the class's values of
// algorithm_type. Throws Error{Unsupported} for a value that is none of them, and for those on the
// noise with a final sigma of zero.
DpmSolver dpmSolverFrom(const SchedulerConfig& config, const std::string& forced,
                        const std::vector<std::string_view>& known);

// Throws Error{Unsupported} where the model predicts the variance too, in further channels.
void refuseLearnedVariance(const SchedulerConfig& config);

// x = sample * x + derivatives[i] * D_i + noise * fresh noise, with D_0 a prediction and D_1, D_2
// the divided differences of it and others.
struct DpmUpdate {
    double sample = 0;
    std::array<double, kMostSolverOrder> derivatives{};
    double noise = 0;
};

DpmUpdate dpmUpdate(const DpmSolver& solver, int order, const NoiseLevel& from,
                    const NoiseLevel& to);

} // namespace kinora::pipelines
