#include "pipelines/schedulers/training_noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kinora::pipelines {

namespace {

// torch.linspace in float32: from both ends towards the middle.
std::vector<float> linspaceF32(double from, double to, int64_t count) {
    const auto start = static_cast<float>(from), end = static_cast<float>(to);
    const float step = (end - start) / static_cast<float>(count - 1);
    std::vector<float> values(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i)
        values[static_cast<size_t>(i)] = i < count / 2
                                             ? start + step * static_cast<float>(i)
                                             : end - step * static_cast<float>(count - 1 - i);
    return values;
}

double cosineAlphaBar(double t) {
    const double c = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2);
    return c * c;
}

double expAlphaBar(double t) {
    return std::exp(-12 * t);
}

double laplaceAlphaBar(double t) {
    const double side = std::copysign(1.0, 0.5 - t);
    const double snr = std::exp(-0.5 * side * std::log(1 - 2 * std::abs(0.5 - t) + 1e-6));
    return std::sqrt(snr / (1 + snr));
}

// Betas that leave alphaBar(t) of the signal at the share t of the training timesteps.
std::vector<float> betasFor(double (*alphaBar)(double), int64_t count) {
    std::vector<float> betas;
    const auto n = static_cast<double>(count);
    for (int64_t i = 0; i < count; ++i) {
        const double beta =
            1 - alphaBar(static_cast<double>(i + 1) / n) / alphaBar(static_cast<double>(i) / n);
        betas.push_back(static_cast<float>(std::min(beta, 0.999)));
    }
    return betas;
}

std::vector<float> sigmoidBetas(double start, double end, int64_t count) {
    std::vector<float> betas = linspaceF32(-6, 6, count);
    for (float& beta : betas)
        beta = static_cast<float>((end - start) / (1 + std::exp(-double{beta})) + start);
    return betas;
}

std::vector<float> trainingBetas(const SchedulerConfig& config, const BetaDefaults& defaults) {
    const int64_t count = config.trainTimesteps();
    if (const auto trained = config.optionalNumbers("trained_betas", 0, 1)) {
        if (static_cast<int64_t>(trained->size()) != count)
            config.bad("trained_betas", "a list of " + std::to_string(count) +
                                            " numbers, one for each training timestep");
        return {trained->begin(), trained->end()};
    }
    const double start = config.number("beta_start", defaults.start, 1e-12, 0.999999);
    const double end = config.number("beta_end", defaults.end, 1e-12, 0.999999);
    std::vector<std::string_view> known = {"linear", "scaled_linear", "squaredcos_cap_v2"};
    known.insert(known.end(), defaults.more.begin(), defaults.more.end());
    const std::string schedule = config.choice("beta_schedule", defaults.schedule, known);
    if (schedule == "squaredcos_cap_v2") return betasFor(cosineAlphaBar, count);
    if (schedule == "exp") return betasFor(expAlphaBar, count);
    if (schedule == "laplace") return betasFor(laplaceAlphaBar, count);
    if (schedule == "sigmoid") return sigmoidBetas(start, end, count);
    if (schedule == "linear") return linspaceF32(start, end, count);
    std::vector<float> betas = linspaceF32(std::sqrt(start), std::sqrt(end), count);
    for (float& beta : betas) beta *= beta;
    return betas;
}

std::vector<float> cumulativeProduct(const std::vector<float>& betas) {
    std::vector<float> product;
    double running = 1; // PyTorch accumulates in double and stores float
    for (float beta : betas) {
        running *= 1.0f - beta;
        product.push_back(static_cast<float>(running));
    }
    return product;
}

// Shifts and scales sqrt(alpha bar) so that the last is 0 and the first stays.
std::vector<float> zeroTerminalSnr(const std::vector<float>& betas) {
    std::vector<float> roots = cumulativeProduct(betas);
    for (float& root : roots) root = std::sqrt(root);
    const float first = roots.front(), last = roots.back();
    const float scale = first / (first - last);
    for (float& root : roots) {
        root = (root - last) * scale;
        root *= root;
    }
    std::vector<float> rescaled = {1.0f - roots.front()};
    for (size_t i = 1; i < roots.size(); ++i) rescaled.push_back(1.0f - roots[i] / roots[i - 1]);
    return rescaled;
}

} // namespace

std::vector<float> cumulativeAlphas(const SchedulerConfig& config, const BetaDefaults& defaults,
                                    ZeroSnr zeroSnr) {
    std::vector<float> betas = trainingBetas(config, defaults);
    const bool rescale =
        zeroSnr != ZeroSnr::Unknown && config.flag("rescale_betas_zero_snr", false);
    if (rescale) betas = zeroTerminalSnr(betas);
    std::vector<float> alphas = cumulativeProduct(betas);
    if (rescale && zeroSnr == ZeroSnr::Lift) alphas.back() = 0x1p-24f;
    return alphas;
}

std::vector<float> trainingSigmas(const SchedulerConfig& config, const std::vector<float>& alphas) {
    std::vector<float> sigmas;
    for (float alpha : alphas) {
        sigmas.push_back(std::sqrt((1.0f - alpha) / alpha));
        if (!std::isfinite(sigmas.back()) || sigmas.back() <= 0)
            config.bad("beta_schedule", "one that leaves timestep " +
                                            std::to_string(sigmas.size() - 1) +
                                            " a finite noise level above 0");
    }
    return sigmas;
}

} // namespace kinora::pipelines
