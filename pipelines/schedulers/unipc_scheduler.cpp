// UniPC: a multistep predictor, and a corrector that uses the next step's prediction once it is
// there. Source: Zhao et al. 2023, algorithms 5 and 6; numbers as diffusers'
// UniPCMultistepScheduler.

#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/solver_scheduler.h"
#include "pipelines/schedulers/training_noise.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

constexpr size_t kHeldSample = kMostSolverOrder; // where the last step began, corrected

// Solves rows of `size` equations, each with its right-hand side last, by elimination.
using Vector = std::array<double, kMostSolverOrder>;
using Rows = std::array<std::array<double, kMostSolverOrder + 1>, kMostSolverOrder>;
Vector solve(Rows rows, size_t size) {
    for (size_t pivot = 0; pivot < size; ++pivot) {
        const auto largest = std::max_element(rows.begin() + static_cast<std::ptrdiff_t>(pivot),
                                              rows.begin() + static_cast<std::ptrdiff_t>(size),
                                              [pivot](const auto& a, const auto& b) {
                                                  return std::abs(a[pivot]) < std::abs(b[pivot]);
                                              });
        std::swap(rows[pivot], *largest);
        for (size_t row = 0; row < size; ++row) {
            if (row == pivot) continue;
            const double factor = rows[row][pivot] / rows[pivot][pivot];
            for (size_t column = pivot; column <= kMostSolverOrder; ++column)
                rows[row][column] -= factor * rows[pivot][column];
        }
    }
    Vector solution{};
    for (size_t row = 0; row < size; ++row)
        solution[row] = rows[row][kMostSolverOrder] / rows[row][row];
    return solution;
}

class UniPcScheduler final : public SolverScheduler {
  public:
    UniPcScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : SolverScheduler(config, 1), m_onOriginal(config.flag("predict_x0", true)),
          m_lowerOrderFinal(config.flag("lower_order_final", true)) {
        if (config.isSet("solver_p")) config.unsupported("solver_p", "");
        if (!m_onOriginal) m_limits = OriginalLimits::none(); // they are for x0
        // Other classes' values are taken as bh2.
        m_plainStep = config.choice("solver_type", "bh2",
                                    {"bh1", "bh2", "midpoint", "heun", "logrho"}) == "bh1";
        const auto uncorrected = config.optionalNumbers("disable_corrector", 0, 1e6);
        for (double step : uncorrected.value_or(std::vector<double>{}))
            m_uncorrected.push_back(static_cast<int>(step));
        const SigmaTable table(trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Lift)));
        const auto spaced = spacedTimesteps(config, config.trainTimesteps(), options.steps);
        const std::string schedule = chosenSchedule(config, options.schedule);
        const NoiseSteps steps = scheduledSteps(config, table, spaced, schedule);
        double final = finalSigma(config, table);
        if (final != 0 && followsRange(schedule)) final = steps.sigmas.back();
        if (final == 0 && !m_onOriginal)
            config.unsupported("predict_x0", "it needs final_sigmas_type sigma_min");
        if (final == 0 && !m_lowerOrderFinal && m_order > 1)
            config.unsupported("lower_order_final", "it needs final_sigmas_type sigma_min");
        takeSteps(steps, final);
    }

  private:
    enum class Stage { Predict, Correct };

    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise&) override {
        readOriginal(modelOutput, call, latents);
        const Tensor prediction = m_onOriginal ? m_denoised : readNoise(modelOutput, call, latents);
        auto& memory = m_memory.tensors;
        Tensor corrected = latents;
        if (call > 0 && m_memory.stepsTaken > 0 && !isUncorrected(call - 1)) {
            const int order = orderAt(call - 1, m_memory.stepsTaken - 1);
            corrected = move(Stage::Correct, order, call - 1, memory[kHeldSample], prediction);
        }
        remember(prediction);
        memory[kHeldSample] = corrected;
        return move(Stage::Predict, orderAt(call, m_memory.stepsTaken), call, corrected, {});
    }

    int orderAt(int call, int64_t taken) const {
        const int left = callCount() - call; // steps, this one included
        const int most = m_lowerOrderFinal ? std::min(m_order, left) : m_order;
        return static_cast<int>(std::min<int64_t>(most, taken + 1));
    }

    bool isUncorrected(int call) const {
        return std::ranges::find(m_uncorrected, call) != m_uncorrected.end();
    }

    // From call `call` to the next, over the newest `order` predictions, and, to correct, the next
    // call's prediction.
    Tensor move(Stage stage, int order, int call, const Tensor& latents, const Tensor& next) const {
        const NoiseLevel from = level(call), to = level(call + 1);
        const double h = (to.lambda - from.lambda) * (m_onOriginal ? -1 : 1);
        const double scale = m_onOriginal ? to.alpha : to.sigma;
        const double gain = std::expm1(h);
        // Where the earlier predictions lie, in steps from here, and the next one.
        Vector ratios{};
        for (int i = 1; i < order; ++i)
            ratios[static_cast<size_t>(i - 1)] =
                (level(call - i).lambda - from.lambda) / (to.lambda - from.lambda);
        ratios[static_cast<size_t>(order - 1)] = 1;
        const Vector shares = differenceShares(stage, order, h, ratios);

        // scale * B(h) * shares of the divided differences, written out over the predictions.
        const double step = scale * (m_plainStep ? h : gain);
        double newest = -scale * gain;
        Vector older{};
        for (int i = 1; i < order; ++i) {
            const auto place = static_cast<size_t>(i - 1);
            older[place] = -step * shares[place] / ratios[place];
            newest -= older[place];
        }
        double ahead = 0;
        if (stage == Stage::Correct) {
            ahead = -step * shares[static_cast<size_t>(order - 1)];
            newest -= ahead;
        }
        return blend(m_onOriginal ? to.sigma / from.sigma : to.alpha / from.alpha, latents,
                     {newest, older[0], older[1]}, {ahead, next});
    }

    // How much each divided difference counts: the system of equation 3.
    Vector differenceShares(Stage stage, int order, double h, const Vector& ratios) const {
        const int unknowns = stage == Stage::Correct ? order : order - 1;
        if (order == 1 || (stage == Stage::Predict && order == 2)) return {0.5, 0, 0};
        const double step = m_plainStep ? h : std::expm1(h);
        Rows rows{};
        double phi = std::expm1(h) / h - 1, factorial = 1;
        for (int row = 0; row < unknowns; ++row) {
            auto& equation = rows[static_cast<size_t>(row)];
            for (int column = 0; column < unknowns; ++column)
                equation[static_cast<size_t>(column)] =
                    std::pow(ratios[static_cast<size_t>(column)], row);
            equation[kMostSolverOrder] = phi * factorial / step;
            factorial *= row + 2;
            phi = phi / h - 1 / factorial;
        }
        return solve(rows, static_cast<size_t>(unknowns));
    }

    bool m_onOriginal;        // predict_x0
    bool m_plainStep = false; // solver_type bh1: B(h) = h, otherwise e^h - 1
    bool m_lowerOrderFinal;
    std::vector<int> m_uncorrected; // steps whose corrector is off
};

} // namespace

SchedulerInfo uniPcScheduler() {
    return {"unipc", "UniPC", "UniPCMultistepScheduler", allSchedules(),
            makeMember<UniPcScheduler>};
}

} // namespace kinora::pipelines
