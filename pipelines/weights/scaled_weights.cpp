#include "pipelines/weights/scaled_weights.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"

#include <cmath>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr std::string_view kScale = ".scale_weight", kWeight = ".weight";
// What such files hold besides: the scales of activations, and a sign that there are scales.
constexpr std::string_view kInputScale = ".scale_input", kMarker = "scaled_fp8";

bool isScale(std::string_view name) {
    return name.ends_with(kScale) || name.ends_with(kInputScale) || name.ends_with(kMarker);
}

} // namespace

std::unique_ptr<WeightSource> withScales(std::unique_ptr<WeightSource> source) {
    std::map<std::string, float, std::less<>> scales;
    for (const std::string& name : source->names()) {
        if (!name.ends_with(kScale)) continue;
        const auto info = source->find(name, {});
        float scale = NAN;
        if (info && info->shape.elements() == 1) source->read(name, 0, std::span(&scale, 1));
        if (!std::isfinite(scale))
            throw Error(ErrorCode::BadFile,
                        source->label() + ": the scale " + briefName(name) + " is not one number.",
                        "The file is damaged; fetch it again.");
        scales[name.substr(0, name.size() - kScale.size()) + std::string(kWeight)] = scale;
    }
    if (scales.empty()) return source;
    return std::make_unique<ScaledWeights>(std::move(source), std::move(scales));
}

std::vector<std::string> ScaledWeights::names() const {
    std::vector<std::string> names = m_source->names();
    std::erase_if(names, isScale);
    return names;
}

void ScaledWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    m_source->read(name, first, values);
    const auto scale = m_scales.find(name);
    if (scale == m_scales.end()) return;
    for (float& value : values) value *= scale->second;
}

} // namespace kinora::pipelines
