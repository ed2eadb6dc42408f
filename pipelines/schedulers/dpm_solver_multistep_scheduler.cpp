// DPM-Solver++ and DPM-Solver, multistep, orders 1 to 3, with their SDE variants. Numbers as
// diffusers' DPMSolverMultistepScheduler.

#include "pipelines/schedulers/dpm_solver_update.h"
#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/training_noise.h"

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

class DpmSolverMultistepScheduler : public SolverScheduler {
  public:
    // algorithm: in place of the config's algorithm_type.
    DpmSolverMultistepScheduler(const SchedulerConfig& config, const SchedulerOptions& options,
                                const std::string& algorithm = {})
        : SolverScheduler(config),
          m_solver(dpmSolverFrom(
              config, algorithm,
              {"dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver", "deis"})),
          m_lowerOrderFinal(config.flag("lower_order_final", true)) {
        refuseLearnedVariance(config);
        if (!m_solver.onOriginal && m_solver.stochastic && m_order == 3)
            config.unsupported("algorithm_type", "it has no third order");
        const SigmaTable table(trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Lift)));
        std::string schedule = chosenSchedule(config, options.schedule);
        if (options.schedule == "normal" && schedule != "karras" &&
            config.flag("use_lu_lambdas", false))
            schedule = "lu";
        const bool cosine =
            config.choice("beta_schedule", "linear",
                          {"linear", "scaled_linear", "squaredcos_cap_v2"}) == "squaredcos_cap_v2";
        const auto spaced = spacedTimesteps(config, clippedTimesteps(config, table), options.steps);
        const double final = finalSigma(config, table);
        takeSteps(scheduledSteps(config, table, spaced, schedule,
                                 cosine ? Rounding::Down : Rounding::Nearest),
                  final);
        m_firstOrderFinal = final == 0 || config.flag("euler_at_final", false);
    }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise& noise) override {
        readOriginal(modelOutput, call, latents);
        if (m_solver.onOriginal)
            remember(m_denoised);
        else
            remember(m_limits.any() ? noiseBesideDenoised(call, latents)
                                    : readNoise(modelOutput, call, latents));
        const int order = multistepOrder(call, m_lowerOrderFinal, m_firstOrderFinal);
        const DpmUpdate update = dpmUpdate(m_solver, order, level(call), level(call + 1));
        const Tensor drawn = m_solver.stochastic ? draw(noise, latents) : Tensor();
        return blend(update.sample, latents, historyWeights(update, order, call),
                     {update.noise, drawn});
    }

    // The divided differences written out over the predictions, newest first.
    HistoryWeights historyWeights(const DpmUpdate& update, int order, int call) const {
        const auto& d = update.derivatives;
        if (order == 1) return {d[0], 0, 0};
        const double from = level(call).lambda, h = level(call + 1).lambda - from;
        const double before = level(call - 1).lambda;
        const double r0 = (from - before) / h;
        if (order == 2) return {d[0] + d[1] / r0, -d[1] / r0, 0};
        const double r1 = (before - level(call - 2).lambda) / h;
        const double bend = d[1] * r0 / (r0 + r1) + d[2] / (r0 + r1);
        const double newer = (d[1] + bend) / r0, older = -bend / r1;
        return {d[0] + newer, older - newer, -older};
    }

    DpmSolver m_solver;
    bool m_lowerOrderFinal, m_firstOrderFinal = false;
};

class DpmSolverMultistepSdeScheduler final : public DpmSolverMultistepScheduler {
  public:
    DpmSolverMultistepSdeScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : DpmSolverMultistepScheduler(config, options, "sde-dpmsolver++") {}
};

} // namespace

SchedulerInfo dpmSolverMultistepScheduler() {
    return {"dpmpp_2m", "DPM++ 2M", "DPMSolverMultistepScheduler", allSchedules(),
            makeMember<DpmSolverMultistepScheduler>};
}

SchedulerInfo dpmSolverMultistepSdeScheduler() {
    return {"dpmpp_2m_sde", "DPM++ 2M SDE", "DPMSolverMultistepScheduler", allSchedules(),
            makeMember<DpmSolverMultistepSdeScheduler>};
}

} // namespace kinora::pipelines
