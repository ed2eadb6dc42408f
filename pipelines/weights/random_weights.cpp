#include "pipelines/weights/random_weights.h"

#include <utility>

namespace kinora::pipelines {
namespace {

// FNV-1a: the same for a name on every machine, which std::hash does not promise.
uint64_t seedOf(std::string_view name) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

// splitmix64: element i directly, whatever was read before. Source: Steele et al. 2014.
uint64_t mixed(uint64_t state) {
    state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
    state = (state ^ state >> 27) * 0x94d049bb133111ebu;
    return state ^ state >> 31;
}

} // namespace

RandomWeights::RandomWeights(std::string label) : m_label(std::move(label)) {}

std::optional<TensorInfo> RandomWeights::find(std::string_view name,
                                              const kernels::Shape& expected) const {
    return TensorInfo{std::string(name), kernels::DType::F32, expected};
}

void RandomWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    constexpr uint64_t kStep = 0x9e3779b97f4a7c15u;
    constexpr float kAmplitude = 0.05f;
    const bool isScale = name.find("norm") != std::string_view::npos && name.ends_with(".weight");
    const float centre = isScale ? 1.0f : 0.0f;
    const uint64_t seed = seedOf(name);
    for (size_t i = 0; i < values.size(); ++i) {
        const uint64_t bits = mixed(seed + (static_cast<uint64_t>(first) + i + 1) * kStep);
        const float unit = static_cast<float>(bits >> 40) * 0x1p-23f - 1.0f; // -1..1
        values[i] = centre + kAmplitude * unit;
    }
}

} // namespace kinora::pipelines
