#include "pipelines/schedulers/prediction.h"

#include "kernels/backend/device.h"
#include "kernels/ops/elementwise.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kinora::pipelines {

using kernels::Tensor;

namespace {

// torch.quantile with linear interpolation; reorders the values.
float quantile(std::vector<float>& values, float share) {
    const float rank = share * static_cast<float>(values.size() - 1);
    const auto below = static_cast<size_t>(rank);
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
    std::nth_element(values.begin(), at, values.end());
    if (below + 1 >= values.size()) return *at;
    const float next = *std::min_element(at + 1, values.end());
    return *at + (rank - static_cast<float>(below)) * (next - *at);
}

void thresholdPicture(std::span<float> picture, float share, float mostValue) {
    std::vector<float> magnitudes;
    for (float value : picture) magnitudes.push_back(std::abs(value));
    const float limit = std::min(std::max(quantile(magnitudes, share), 1.0f), mostValue);
    for (float& value : picture) value = std::min(std::max(value, -limit), limit) / limit;
}

} // namespace

Prediction predictionType(const SchedulerConfig& config) {
    const std::string name =
        config.choice("prediction_type", "epsilon", {"epsilon", "v_prediction", "sample"});
    if (name == "epsilon") return Prediction::Epsilon;
    return name == "sample" ? Prediction::Sample : Prediction::Velocity;
}

Tensor combine(std::initializer_list<Weighted> terms) {
    std::vector<kernels::Term> used;
    for (const Weighted& term : terms)
        if (term.coefficient != 0 && term.tensor.defined())
            used.push_back({term.coefficient, term.tensor});
    if (used.empty()) used.push_back({0, terms.begin()->tensor});
    return kernels::linearCombination(used);
}

Tensor Blend::operator()(const Tensor& sampleTensor, const Tensor& modelOutput) const {
    return combine({{sample, sampleTensor}, {output, modelOutput}});
}

Blend originalFrom(Prediction prediction, double alpha, double sigma) {
    switch (prediction) {
    case Prediction::Epsilon: return {1 / alpha, -sigma / alpha};
    case Prediction::Velocity: return {alpha, -sigma};
    case Prediction::Sample: break;
    }
    return {0, 1};
}

Blend noiseFrom(Prediction prediction, double alpha, double sigma) {
    switch (prediction) {
    case Prediction::Epsilon: return {0, 1};
    case Prediction::Velocity: return {sigma, alpha};
    case Prediction::Sample: break;
    }
    return {1 / sigma, -alpha / sigma};
}

Blend originalFromSigma(Prediction prediction, double sigma) {
    switch (prediction) {
    case Prediction::Epsilon: return {1, -sigma};
    case Prediction::Velocity:
        return {1 / (sigma * sigma + 1), -sigma / std::sqrt(sigma * sigma + 1)};
    case Prediction::Sample: break;
    }
    return {0, 1};
}

OriginalLimits OriginalLimits::threshold(const SchedulerConfig& config) {
    OriginalLimits limits;
    limits.m_threshold = config.flag("thresholding", false);
    limits.m_quantile =
        static_cast<float>(config.number("dynamic_thresholding_ratio", 0.995, 0, 1));
    limits.m_mostValue = static_cast<float>(config.number("sample_max_value", 1, 1e-6, 1e6));
    return limits;
}

OriginalLimits OriginalLimits::clip(const SchedulerConfig& config, bool clipByDefault) {
    OriginalLimits limits;
    limits.m_clip = config.flag("clip_sample", clipByDefault);
    limits.m_range = static_cast<float>(config.number("clip_sample_range", 1, 1e-6, 1e6));
    return limits;
}

OriginalLimits OriginalLimits::clipOrThreshold(const SchedulerConfig& config, bool clipByDefault) {
    const OriginalLimits limits = threshold(config);
    return limits.m_threshold ? limits : clip(config, clipByDefault);
}

Tensor OriginalLimits::operator()(const Tensor& original) const {
    if (!m_threshold) return m_clip ? kernels::clamp(original, -m_range, m_range) : original;
    // On the host: models of latents do not threshold, and a quantile is no op of ours.
    kernels::Device& device = original.device();
    std::vector<float> values = device.toHost<float>(original);
    const auto pictures = static_cast<size_t>(original.dim(0));
    const size_t size = values.size() / pictures;
    for (size_t picture = 0; picture < pictures && size > 0; ++picture)
        thresholdPicture(std::span(values).subspan(picture * size, size), m_quantile, m_mostValue);
    return device.fromHost(values.data(), original.shape(), original.dtype());
}

} // namespace kinora::pipelines
