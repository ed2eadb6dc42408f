#include "pipelines/noise/philox_noise.h"

#include "kernels/base/error.h"

#include <cmath>
#include <numbers>

namespace kinora::pipelines {

namespace {

constexpr uint32_t low(uint64_t value) {
    return static_cast<uint32_t>(value);
}
constexpr uint32_t high(uint64_t value) {
    return static_cast<uint32_t>(value >> 32);
}

// cuRAND's normal number from two words: u in (0, 1], the angle in (0, 2 pi]. In float with fused
// multiply-add, as on the device: where u rounds to 1 the number is 0 there too.
float boxMullerSine(uint32_t x, uint32_t y) {
    constexpr float step = 0x1p-32f;
    constexpr float angleStep = 0x1p-32f * 2.0f * std::numbers::pi_v<float>;
    const float u = std::fma(static_cast<float>(x), step, step / 2);
    const float angle = std::fma(static_cast<float>(y), angleStep, angleStep / 2);
    const auto logarithm = static_cast<float>(std::log(static_cast<double>(u)));
    const float radius = std::sqrt(-2.0f * logarithm);
    return radius * static_cast<float>(std::sin(static_cast<double>(angle)));
}

} // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
        const uint64_t first = uint64_t{0xd2511f53} * c[0];
        const uint64_t second = uint64_t{0xcd9e8d57} * c[2];
        c = {high(second) ^ c[1] ^ key[0], low(second), high(first) ^ c[3] ^ key[1], low(first)};
        key[0] += 0x9e3779b9; // the golden ratio and sqrt(3) - 1, as the source has them
        key[1] += 0xbb67ae85;
    }
    return c;
}

void PhiloxNoise::normal(std::span<float> values) {
    if (values.empty()) return;
    const std::array<uint32_t, 2> key = {low(m_seed), high(m_seed)};
    for (size_t i = 0; i < values.size(); ++i) {
        const auto words = philox4x32({low(m_draws), high(m_draws), low(i), high(i)}, key);
        values[i] = boxMullerSine(words[0], words[1]);
    }
    ++m_draws;
}

NoiseState PhiloxNoise::state() const {
    return {low(m_draws), high(m_draws)};
}

void PhiloxNoise::restore(const NoiseState& state) {
    if (state.size() != 2)
        throw Error(ErrorCode::BadFile,
                    "The state of the noise is not one of the Philox generator.");
    m_draws = uint64_t{state[1]} << 32 | state[0];
}

} // namespace kinora::pipelines
