#include "pipelines/weights/scaled_weights.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr std::string_view kWeight = ".weight";
constexpr std::string_view kScales[] = {".scale_weight", ".weight_scale"}; // the newer files' last
// What such files hold besides: the scales of activations, and signs that there are scales.
constexpr std::string_view kBesides[] = {".scale_input", ".input_scale", "scaled_fp8",
                                         ".comfy_quant"};

// The ending of a scale's name; empty where it is none.
std::string_view scaleEnding(std::string_view name) {
    for (const std::string_view ending : kScales)
        if (name.ends_with(ending)) return ending;
    return {};
}

bool isNoWeight(std::string_view name) {
    return !scaleEnding(name).empty() ||
           std::ranges::any_of(kBesides, [&](std::string_view end) { return name.ends_with(end); });
}

} // namespace

std::unique_ptr<WeightSource> withScales(std::unique_ptr<WeightSource> source) {
    std::map<std::string, float, std::less<>> scales;
    for (const std::string& name : source->names()) {
        const std::string_view ending = scaleEnding(name);
        if (ending.empty()) continue;
        const auto info = source->find(name, {});
        float scale = NAN;
        if (info && info->shape.elements() > 1)
            throw Error(
                ErrorCode::Unsupported,
                source->label() + ": " + briefName(name) + " is not one number but " +
                    std::to_string(info->shape.elements()) + ".",
                "Use a version of the file in f32, f16, bf16, or fp8 with one scale for each "
                "weight.");
        if (info && info->shape.elements() == 1) source->read(name, 0, std::span(&scale, 1));
        if (!std::isfinite(scale))
            throw Error(ErrorCode::BadFile,
                        source->label() + ": the scale " + briefName(name) + " is not one number.",
                        "The file is damaged; fetch it again.");
        scales[name.substr(0, name.size() - ending.size()) + std::string(kWeight)] = scale;
    }
    if (scales.empty()) return source;
    return std::make_unique<ScaledWeights>(std::move(source), std::move(scales));
}

std::vector<std::string> ScaledWeights::names() const {
    std::vector<std::string> names = m_source->names();
    std::erase_if(names, isNoWeight);
    return names;
}

void ScaledWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    m_source->read(name, first, values);
    const auto scale = m_scales.find(name);
    if (scale == m_scales.end()) return;
    for (float& value : values) value *= scale->second;
}

} // namespace kinora::pipelines
