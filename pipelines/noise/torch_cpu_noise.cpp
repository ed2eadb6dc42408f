#include "pipelines/noise/torch_cpu_noise.h"

#include "kernels/base/error.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace kinora::pipelines {

namespace {

constexpr size_t kBlock = 16;

// The words of a state: the engine's, its position in them, whether a normal number is left over
// from a pair, and the two halves of that number.
constexpr size_t kPosition = MersenneTwister::kWords;
constexpr size_t kHasNext = kPosition + 1;
constexpr size_t kNextLow = kPosition + 2;
constexpr size_t kNextHigh = kPosition + 3;
constexpr size_t kStateWords = kPosition + 4;

float roundedLog(float x) {
    return static_cast<float>(std::log(static_cast<double>(x)));
}

// Box and Muller 1958, over 8 pairs of uniforms; the second of a pair stands 8 after the first.
void transformSixteen(float* values) {
    constexpr float twoPi = 2.0f * std::numbers::pi_v<float>;
    for (size_t i = 0; i < kBlock / 2; ++i) {
        const float radius = std::sqrt(-2.0f * roundedLog(1.0f - values[i]));
        const double angle = twoPi * values[i + kBlock / 2];
        values[i] = radius * static_cast<float>(std::cos(angle));
        values[i + kBlock / 2] = radius * static_cast<float>(std::sin(angle));
    }
}

} // namespace

TorchCpuNoise::TorchCpuNoise(uint64_t seed) : m_engine(static_cast<uint32_t>(seed)) {}

float TorchCpuNoise::uniform() {
    return static_cast<float>(m_engine() & 0xffffff) * 0x1p-24f;
}

double TorchCpuNoise::uniformDouble() {
    const auto high = static_cast<uint64_t>(m_engine());
    const auto low = static_cast<uint64_t>(m_engine());
    return static_cast<double>((high << 32 | low) & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
}

double TorchCpuNoise::scalarNormal() {
    if (m_next) {
        const double value = *m_next;
        m_next.reset();
        return value;
    }
    const double angle = 2.0 * std::numbers::pi * uniformDouble();
    const double radius = std::sqrt(-2.0 * std::log1p(-uniformDouble()));
    m_next = radius * std::sin(angle);
    return radius * std::cos(angle);
}

void TorchCpuNoise::fillSixteen(float* values) {
    for (size_t i = 0; i < kBlock; ++i) values[i] = uniform();
    transformSixteen(values);
}

void TorchCpuNoise::normal(std::span<float> values) {
    if (values.size() < kBlock) {
        for (float& value : values) value = static_cast<float>(scalarNormal());
        return;
    }
    // All uniforms come first: what is left over at the end is drawn, then replaced.
    for (float& value : values) value = uniform();
    for (size_t i = 0; i + kBlock <= values.size(); i += kBlock) transformSixteen(&values[i]);
    if (values.size() % kBlock != 0) fillSixteen(&values[values.size() - kBlock]);
}

NoiseState TorchCpuNoise::state() const {
    const MersenneTwister::State& engine = m_engine.state();
    const auto next = std::bit_cast<uint64_t>(m_next.value_or(0));
    NoiseState state(kStateWords);
    std::ranges::copy(engine.words, state.begin());
    state[kPosition] = engine.next;
    state[kHasNext] = m_next.has_value();
    state[kNextLow] = static_cast<uint32_t>(next);
    state[kNextHigh] = static_cast<uint32_t>(next >> 32);
    return state;
}

void TorchCpuNoise::restore(const NoiseState& state) {
    if (state.size() != kStateWords || state[kPosition] > MersenneTwister::kWords ||
        state[kHasNext] > 1)
        throw Error(ErrorCode::BadFile,
                    "The state of the noise is not one of the torch-cpu generator.");
    MersenneTwister::State engine;
    std::copy_n(state.begin(), MersenneTwister::kWords, engine.words.begin());
    engine.next = state[kPosition];
    m_engine.restore(engine);
    m_next.reset();
    if (state[kHasNext])
        m_next = std::bit_cast<double>(uint64_t{state[kNextHigh]} << 32 | state[kNextLow]);
}

} // namespace kinora::pipelines
