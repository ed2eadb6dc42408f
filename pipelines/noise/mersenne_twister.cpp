#include "pipelines/noise/mersenne_twister.h"

namespace kinora::pipelines {

namespace {

constexpr size_t kMiddle = 397;
constexpr uint32_t kTwist = 0x9908b0df;
constexpr uint32_t kHighBit = 0x80000000;

} // namespace

MersenneTwister::MersenneTwister(uint32_t seed) {
    auto& words = m_state.words;
    words[0] = seed;
    for (uint32_t i = 1; i < kWords; ++i)
        words[i] = 1812433253u * (words[i - 1] ^ (words[i - 1] >> 30)) + i;
}

void MersenneTwister::refill() {
    auto& words = m_state.words;
    for (size_t i = 0; i < kWords; ++i) {
        const uint32_t mixed = (words[i] & kHighBit) | (words[(i + 1) % kWords] & ~kHighBit);
        words[i] = words[(i + kMiddle) % kWords] ^ (mixed >> 1) ^ (mixed & 1 ? kTwist : 0);
    }
    m_state.next = 0;
}

uint32_t MersenneTwister::operator()() {
    if (m_state.next >= kWords) refill();
    uint32_t word = m_state.words[m_state.next++];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return word ^ (word >> 18);
}

} // namespace kinora::pipelines
