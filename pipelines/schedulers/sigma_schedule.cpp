#include "pipelines/schedulers/sigma_schedule.h"

#include "kernels/base/error.h"
#include "pipelines/schedulers/align_your_steps.h"
#include "pipelines/schedulers/incomplete_beta.h"
#include "pipelines/schedulers/timestep_spacing.h"

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {

namespace {

std::vector<double> karrasSigmas(SigmaRange range, int steps) {
    constexpr double rho = 7;
    const double from = std::pow(range.largest, 1 / rho);
    const double to = std::pow(range.smallest, 1 / rho);
    std::vector<double> sigmas;
    for (double ramp : linspace(0, 1, steps))
        sigmas.push_back(std::pow(from + ramp * (to - from), rho));
    return sigmas;
}

std::vector<double> exponentialSigmas(SigmaRange range, int steps) {
    std::vector<double> sigmas = linspace(std::log(range.largest), std::log(range.smallest), steps);
    for (double& sigma : sigmas) sigma = std::exp(sigma);
    return sigmas;
}

std::vector<double> betaSigmas(SigmaRange range, int steps) {
    constexpr double shape = 0.6;
    std::vector<double> sigmas;
    for (double share : linspace(0, 1, steps))
        sigmas.push_back(range.smallest + inverseIncompleteBeta(shape, shape, 1 - share) *
                                              (range.largest - range.smallest));
    return sigmas;
}

// Even in the logarithm of the table's ends, where exponential is of the range's.
std::vector<double> luSigmas(const SigmaTable& table, int steps) {
    std::vector<double> sigmas = linspace(table.logSigmas.back(), table.logSigmas.front(), steps);
    for (double& sigma : sigmas) sigma = std::exp(sigma);
    return sigmas;
}

// Timesteps evenly from the last training timestep down, the end point left out.
NoiseSteps sgmUniform(const SigmaTable& table, int steps) {
    NoiseSteps chosen;
    chosen.timesteps = linspace(static_cast<double>(table.sigmas.size() - 1), 0, steps + 1);
    chosen.timesteps.pop_back();
    for (double timestep : chosen.timesteps) {
        const auto low = static_cast<size_t>(timestep);
        const size_t high = std::min(low + 1, table.sigmas.size() - 1);
        const double weight = timestep - static_cast<double>(low);
        chosen.sigmas.push_back(std::exp((1 - weight) * double{table.logSigmas[low]} +
                                         weight * double{table.logSigmas[high]}));
    }
    return chosen;
}

// Noise levels of the table itself, evenly picked from its noisy end.
NoiseSteps simple(const SigmaTable& table, int steps) {
    const size_t count = table.sigmas.size();
    const double stride = static_cast<double>(count) / steps;
    NoiseSteps chosen;
    for (int i = 0; i < steps; ++i) {
        const size_t timestep = count - 1 - static_cast<size_t>(i * stride);
        chosen.sigmas.push_back(table.sigmas[timestep]);
        chosen.timesteps.push_back(static_cast<double>(timestep));
    }
    return chosen;
}

std::vector<double> rangedSigmas(std::string_view schedule, const SigmaTable& table,
                                 SigmaRange range, int steps) {
    if (schedule == "karras") return karrasSigmas(range, steps);
    if (schedule == "exponential") return exponentialSigmas(range, steps);
    if (schedule == "beta") return betaSigmas(range, steps);
    if (schedule == "lu") return luSigmas(table, steps);
    if (schedule == "align_your_steps") return alignedSigmas(ModelFamily::StableDiffusion, steps);
    if (schedule == "align_your_steps_xl")
        return alignedSigmas(ModelFamily::StableDiffusionXl, steps);
    throw Error(ErrorCode::Internal, "There is no sigma schedule '" + std::string(schedule) + "'.");
}

} // namespace

SigmaTable::SigmaTable(std::vector<float> levels) : sigmas(std::move(levels)) {
    for (float sigma : sigmas) logSigmas.push_back(static_cast<float>(std::log(double{sigma})));
}

double SigmaTable::at(double timestep) const {
    if (timestep <= 0) return sigmas.front();
    const auto low = static_cast<size_t>(timestep);
    if (low + 1 >= sigmas.size()) return sigmas.back();
    const double below = sigmas[low], above = sigmas[low + 1];
    return (above - below) * (timestep - static_cast<double>(low)) + below;
}

double SigmaTable::timestep(double sigma) const {
    const double logSigma = std::log(std::max(sigma, 1e-10));
    size_t low = 0; // the last level that is not above
    for (size_t i = 0; i < logSigmas.size(); ++i)
        if (logSigma - logSigmas[i] >= 0) low = i;
    low = std::min(low, logSigmas.size() - 2);
    const float width = logSigmas[low] - logSigmas[low + 1]; // a float in the reference too
    const double weight = std::clamp((logSigmas[low] - logSigma) / width, 0.0, 1.0);
    return (1 - weight) * static_cast<double>(low) + weight * static_cast<double>(low + 1);
}

SigmaRange sigmaRange(const SchedulerConfig& config, SigmaRange otherwise) {
    constexpr double least = 1e-10, most = 1e10;
    return {config.optionalNumber("sigma_max", least, most).value_or(otherwise.largest),
            config.optionalNumber("sigma_min", least, most).value_or(otherwise.smallest)};
}

std::string chosenSchedule(const SchedulerConfig& config, const std::string& asked) {
    if (asked != "normal") return asked;
    std::string chosen = asked;
    for (const char* name : {"karras", "exponential", "beta"}) {
        const std::string key = std::string("use_") + name + "_sigmas";
        if (!config.flag(key, false)) continue;
        if (chosen != asked) config.bad(key, "false beside \"use_" + chosen + "_sigmas\"");
        chosen = name;
    }
    return chosen;
}

NoiseSteps makeNoiseSteps(std::string_view schedule, const SigmaTable& table, SigmaRange range,
                          int steps) {
    if (schedule == "sgm_uniform") return sgmUniform(table, steps);
    if (schedule == "simple") return simple(table, steps);
    NoiseSteps chosen{rangedSigmas(schedule, table, range, steps), {}};
    for (double sigma : chosen.sigmas) chosen.timesteps.push_back(table.timestep(sigma));
    return chosen;
}

bool followsRange(std::string_view schedule) {
    return schedule == "karras" || schedule == "exponential" || schedule == "beta";
}

double finalSigma(const SchedulerConfig& config, const SigmaTable& table) {
    const bool smallest =
        config.choice("final_sigmas_type", "zero", {"zero", "sigma_min"}) == "sigma_min";
    return smallest ? table.sigmas.front() : 0;
}

AncestralStep ancestralStep(float from, float to) {
    const float up = std::sqrt(to * to * (from * from - to * to) / (from * from));
    const float square = to * to - up * up;
    return {square > 0 ? std::sqrt(square) : to * to / from,
            up}; // of no digits left: the exact one
}

double startSigma(std::span<const float> sigmas, const std::string& spacing) {
    const float largest = *std::ranges::max_element(sigmas);
    return spacing == "leading" ? std::sqrt(largest * largest + 1) : largest;
}

} // namespace kinora::pipelines
