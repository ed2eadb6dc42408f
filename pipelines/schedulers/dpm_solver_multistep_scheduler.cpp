// DPM-Solver++ and DPM-Solver, multistep, orders 1 to 3, with their SDE variants. Source: Lu et al.
// 2022 (DPM-Solver, DPM-Solver++); numbers as diffusers' DPMSolverMultistepScheduler.

#include "pipelines/schedulers/prediction.h"
#include "pipelines/schedulers/run_steps.h"
#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/sigma_schedule.h"
#include "pipelines/schedulers/timestep_spacing.h"
#include "pipelines/schedulers/training_noise.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

constexpr int kMostOrder = 3;
constexpr int kFewSteps = 15; // below it the last steps are taken with lower order

// Latents are alpha * x0 + sigma * noise; lambda = log(alpha / sigma).
struct Level {
    explicit Level(double ratio)
        : alpha(1 / std::sqrt(ratio * ratio + 1)), sigma(ratio * alpha),
          lambda(std::log(alpha) - std::log(sigma)) {}
    double alpha, sigma, lambda;
};

struct Solver {
    bool onOriginal; // "++": integrates x0, otherwise the noise
    bool stochastic; // "sde-"
    bool heun;       // solver_type
    int order;
};

Solver solverFrom(const SchedulerConfig& config) {
    // deis, logrho, bh1 and bh2 are other classes' values, which this class takes as its own.
    const std::string algorithm =
        config.choice("algorithm_type", "dpmsolver++",
                      {"dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver", "deis"});
    const std::string type =
        config.choice("solver_type", "midpoint", {"midpoint", "heun", "logrho", "bh1", "bh2"});
    const Solver solver{algorithm == "deis" || algorithm.ends_with("++"),
                        algorithm.starts_with("sde-"), type == "heun",
                        static_cast<int>(config.integer("solver_order", 2, 1, kMostOrder))};
    if (!solver.onOriginal &&
        config.choice("final_sigmas_type", "zero", {"zero", "sigma_min"}) != "sigma_min")
        config.unsupported("algorithm_type", "it needs final_sigmas_type sigma_min");
    if (!solver.onOriginal && solver.stochastic && solver.order == 3)
        config.unsupported("algorithm_type", "it has no third order");
    return solver;
}

// x = sample * x + derivatives[i] * D_i + noise * fresh noise, with D_0 the newest prediction and
// D_1, D_2 its divided differences.
struct Update {
    double sample = 0;
    std::array<double, kMostOrder> derivatives{};
    double noise = 0;
};

Update makeUpdate(const Solver& solver, int order, const Level& from, const Level& to) {
    const double h = to.lambda - from.lambda;
    const bool halved = order == 2 && !solver.heun; // midpoint: half of D_0's coefficient
    Update update;
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

class DpmSolverMultistepScheduler final : public Scheduler {
  public:
    DpmSolverMultistepScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : m_prediction(predictionType(config)), m_limits(OriginalLimits::threshold(config)),
          m_solver(solverFrom(config)), m_lowerOrderFinal(config.flag("lower_order_final", true)),
          m_eulerAtFinal(config.flag("euler_at_final", false)) {
        refuseOtherKinds(config);
        checkSteps(options.steps, config.trainTimesteps(), "the model's training timesteps");
        const std::vector<float> alphas = cumulativeAlphas(config, {}, ZeroSnr::Lift);
        const SigmaTable table(trainingSigmas(config, alphas));
        chooseSigmas(config, table, options);
        m_sigmas.push_back(static_cast<float>(finalSigma(config, table)));
        m_memory.tensors.resize(kMostOrder);
    }

    int callCount() const override { return static_cast<int>(m_timesteps.size()); }
    double timestep(int call) const override { return m_timesteps.at(static_cast<size_t>(call)); }
    double initialNoiseSigma() const override { return 1; }
    Tensor scaleModelInput(const Tensor& latents, int) const override { return latents; }

    Tensor step(const Tensor& modelOutput, int call, const Tensor& latents,
                BatchNoise& noise) override {
        remember(convert(modelOutput, call, latents));
        const int order = orderAt(call);
        const Level from(sigmaAt(call)), to(sigmaAt(call + 1));
        const Update update = makeUpdate(m_solver, order, from, to);
        Tensor drawn;
        if (m_solver.stochastic)
            drawn = noise.draw(latents.device(), latents.dim(1), latents.dim(2), latents.dim(3));
        ++m_memory.stepsTaken;

        const auto weights = historyWeights(update, order, call, from, to);
        const auto& predictions = m_memory.tensors; // newest first
        return combine({{update.sample, latents},
                        {weights[0], predictions[0]},
                        {weights[1], predictions[1]},
                        {weights[2], predictions[2]},
                        {update.noise, drawn}});
    }

  private:
    static void refuseOtherKinds(const SchedulerConfig& config) {
        for (const char* key : {"use_flow_sigmas", "use_dynamic_shifting"})
            if (config.flag(key, false)) config.unsupported(key, "it is for flow matching models");
        // "learned" predictions of the variance come in three further channels.
        if (config.isSet("variance_type")) config.unsupported("variance_type", "");
    }

    // How far down the timesteps go: those with lambda below lambda_min_clipped are left out.
    static int64_t lastTimestep(const SchedulerConfig& config, const SigmaTable& table) {
        const double least = config.numberOrMinusInfinity("lambda_min_clipped");
        const auto kept = std::ranges::count_if(
            table.logSigmas, [&](float logSigma) { return -double{logSigma} >= least; });
        if (kept < 2)
            config.bad("lambda_min_clipped", "a number that leaves two timesteps or more");
        return kept;
    }

    void chooseSigmas(const SchedulerConfig& config, const SigmaTable& table,
                      const SchedulerOptions& options) {
        std::string schedule = chosenSchedule(config, options.schedule);
        if (options.schedule == "normal" && schedule != "karras" &&
            config.flag("use_lu_lambdas", false))
            schedule = "lu";
        if (schedule == "normal") {
            m_timesteps = spacedTimesteps(config, lastTimestep(config, table), options.steps);
            for (double timestep : m_timesteps)
                m_sigmas.push_back(static_cast<float>(table.at(timestep)));
            return;
        }
        const SigmaRange range = sigmaRange(config, {table.sigmas.back(), table.sigmas.front()});
        const NoiseSteps noise = makeNoiseSteps(schedule, table, range, options.steps);
        m_sigmas.assign(noise.sigmas.begin(), noise.sigmas.end());
        // The reference rounds where its class says so, and otherwise cuts off.
        const bool cosine =
            config.choice("beta_schedule", "linear",
                          {"linear", "scaled_linear", "squaredcos_cap_v2"}) == "squaredcos_cap_v2";
        const bool cut = schedule == "exponential" || schedule == "beta" ||
                         (cosine && (schedule == "karras" || schedule == "lu"));
        for (double timestep : noise.timesteps)
            m_timesteps.push_back(cut ? std::trunc(timestep) : std::nearbyint(timestep));
    }

    static std::vector<double> spacedTimesteps(const SchedulerConfig& config, int64_t last,
                                               int steps) {
        const int64_t train = config.trainTimesteps();
        const std::string spacing =
            config.choice("timestep_spacing", "linspace", {"linspace", "leading", "trailing"});
        if (spacing == "leading")
            return leadingTimesteps(last / (steps + 1), 1, steps,
                                    config.integer("steps_offset", 0, 0, train));
        if (spacing == "trailing")
            return trailingTimesteps(last, static_cast<double>(train) / steps, steps);
        // One point more than there are steps, the last of which is left out.
        std::vector<double> points = linspace(0, static_cast<double>(last - 1), steps + 1);
        std::vector<double> timesteps;
        for (int i = steps; i >= 1; --i)
            timesteps.push_back(std::nearbyint(points[static_cast<size_t>(i)]));
        return timesteps;
    }

    // The prediction that the solver integrates: x0 or the noise.
    Tensor convert(const Tensor& modelOutput, int call, const Tensor& latents) {
        const Level level(sigmaAt(call));
        m_denoised =
            m_limits(originalFrom(m_prediction, level.alpha, level.sigma)(latents, modelOutput));
        if (m_solver.onOriginal) return m_denoised;
        if (m_limits.any())
            return combine({{1 / level.sigma, latents}, {-level.alpha / level.sigma, m_denoised}});
        return noiseFrom(m_prediction, level.alpha, level.sigma)(latents, modelOutput);
    }

    void remember(const Tensor& prediction) {
        auto& predictions = m_memory.tensors;
        std::shift_right(predictions.begin(), predictions.end(), 1);
        predictions[0] = prediction;
    }

    int orderAt(int call) const {
        const int left = callCount() - 1 - call; // steps after this one
        const bool few = m_lowerOrderFinal && callCount() < kFewSteps;
        const bool first = left == 0 && (m_eulerAtFinal || few || m_sigmas.back() == 0);
        if (m_solver.order == 1 || m_memory.stepsTaken < 1 || first) return 1;
        if (m_solver.order == 2 || m_memory.stepsTaken < 2 || (left == 1 && few)) return 2;
        return 3;
    }

    // The divided differences written out over the predictions, newest first.
    std::array<double, kMostOrder> historyWeights(const Update& update, int order, int call,
                                                  const Level& from, const Level& to) const {
        const auto& d = update.derivatives;
        if (order == 1) return {d[0], 0, 0};
        const double h = to.lambda - from.lambda;
        const double before = Level(sigmaAt(call - 1)).lambda;
        const double r0 = (from.lambda - before) / h;
        if (order == 2) return {d[0] + d[1] / r0, -d[1] / r0, 0};
        const double r1 = (before - Level(sigmaAt(call - 2)).lambda) / h;
        const double bend = d[1] * r0 / (r0 + r1) + d[2] / (r0 + r1);
        const double newer = (d[1] + bend) / r0, older = -bend / r1;
        return {d[0] + newer, older - newer, -older};
    }

    double sigmaAt(int call) const { return m_sigmas.at(static_cast<size_t>(call)); }

    Prediction m_prediction;
    OriginalLimits m_limits;
    Solver m_solver;
    bool m_lowerOrderFinal, m_eulerAtFinal;
    std::vector<double> m_timesteps;
    std::vector<float> m_sigmas; // one for each step, and the final one
};

} // namespace

SchedulerInfo dpmSolverMultistepScheduler() {
    return {"dpmpp_2m",
            "DPM++ 2M",
            "DPMSolverMultistepScheduler",
            {"normal", "karras", "exponential", "beta", "sgm_uniform", "simple"},
            [](const nlohmann::json& config,
               const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
                return std::make_unique<DpmSolverMultistepScheduler>(
                    SchedulerConfig(config, "DPMSolverMultistepScheduler", options.configLabel),
                    options);
            }};
}

} // namespace kinora::pipelines
