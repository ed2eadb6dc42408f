// DPM-Solver++ and DPM-Solver, singlestep, orders 1 to 3: a solver step spans several calls, each
// of which starts again from the latents where it began. Numbers as diffusers'
// DPMSolverSinglestepScheduler, which does not ask for the timestep spacing.

#include "pipelines/schedulers/dpm_solver_update.h"
#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/training_noise.h"

#include <algorithm>
#include <vector>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

constexpr size_t kHeldSample = kMostSolverOrder; // where the solver step began

class DpmSolverSinglestepScheduler final : public SolverScheduler {
  public:
    DpmSolverSinglestepScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : SolverScheduler(config, 1),
          m_solver(
              dpmSolverFrom(config, {}, {"dpmsolver++", "dpmsolver", "sde-dpmsolver++", "deis"})) {
        refuseLearnedVariance(config);
        if (!m_solver.onOriginal && m_limits.any())
            config.unsupported("thresholding", "it needs an algorithm_type that ends in ++");
        const SigmaTable table(
            trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Unknown)));
        const auto spaced = evenTimesteps(config, clippedTimesteps(config, table), options.steps);
        const double final = finalSigma(config, table);
        takeSteps(scheduledSteps(config, table, spaced, chosenSchedule(config, options.schedule)),
                  final);
        chooseOrders(config.flag("lower_order_final", false) || final == 0);
        if (final == 0) m_orders.back() = 1;
    }

  private:
    // 1, 2 ... order, 1, 2 ...: a run that is no multiple of the order ends with a lower one by
    // itself, another where it may or has to.
    void chooseOrders(bool lowerOrderFinal) {
        for (int call = 0; call < callCount(); ++call) m_orders.push_back(1 + call % m_order);
        if (lowerOrderFinal && callCount() % m_order == 0) m_orders.back() = 1;
    }

    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise& noise) override {
        readOriginal(modelOutput, call, latents);
        remember(m_solver.onOriginal ? m_denoised : readNoise(modelOutput, call, latents));
        // After a late start there is less history than the order wants.
        const int order = std::min(m_orders[static_cast<size_t>(call)],
                                   static_cast<int>(m_memory.stepsTaken) + 1);
        Tensor& begun = m_memory.tensors[kHeldSample];
        if (order == 1) begun = latents;
        const DpmUpdate update =
            dpmUpdate(m_solver, order, level(call + 1 - order), level(call + 1));
        const Tensor drawn = m_solver.stochastic ? draw(noise, latents) : Tensor();
        return blend(update.sample, begun, historyWeights(update, order, call),
                     {update.noise, drawn});
    }

    // The divided differences written out over the predictions, newest first. D_0 is the oldest.
    HistoryWeights historyWeights(const DpmUpdate& update, int order, int call) const {
        const auto& d = update.derivatives;
        if (order == 1) return {d[0], 0, 0};
        const double begin = level(call + 1 - order).lambda;
        const double h = level(call + 1).lambda - begin;
        const double r0 = (level(call).lambda - begin) / h;
        if (order == 2) return {d[1] / r0, d[0] - d[1] / r0, 0};
        // "midpoint" of order 3 takes the difference to the newest prediction alone.
        if (!m_solver.heun) return {d[1] / r0, 0, d[0] - d[1] / r0};
        const double r1 = (level(call - 1).lambda - begin) / h;
        const double newest = (2 * d[2] - d[1] * r1) / ((r0 - r1) * r0);
        const double middle = (d[1] * r0 - 2 * d[2]) / ((r0 - r1) * r1);
        return {newest, middle, d[0] - newest - middle};
    }

    DpmSolver m_solver;
    std::vector<int> m_orders; // of each call
};

} // namespace

SchedulerInfo dpmSolverSinglestepScheduler() {
    return {"dpmpp_2s", "DPM++ 2S", "DPMSolverSinglestepScheduler", allSchedules(),
            makeMember<DpmSolverSinglestepScheduler>};
}

} // namespace kinora::pipelines
