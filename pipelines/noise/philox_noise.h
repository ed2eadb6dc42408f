#pragma once
// torch.randn as PyTorch's CUDA generator draws it, on the host.

#include "pipelines/noise/noise_generator.h"

#include <array>

namespace kinora::pipelines {

// The counter-based generator. Source: Salmon et al. 2011, Parallel random numbers: as easy as
// 1, 2, 3; ten rounds.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// PyTorch gives each thread of its kernel one subsequence of Philox, and value i of a tensor is the
// first normal number of thread i, as long as the device has a thread for each value: a draw of up
// to 2048 x (number of multiprocessors) values, 221,184 on a card with 108 of them. Beyond that its
// numbers depend on the card. Here value i always comes from subsequence i: an ever so large card,
// which is also what the web UIs' CPU version of it assumes. The next draw starts at the next
// counter. Differs from a device by its log and sin: up to 1.6e-6 from an H100.
class PhiloxNoise final : public NoiseGenerator {
  public:
    explicit PhiloxNoise(uint64_t seed) : m_seed(seed) {}
    void normal(std::span<float> values) override;
    NoiseState state() const override;
    void restore(const NoiseState& state) override;

  private:
    uint64_t m_seed;
    uint64_t m_draws = 0;
};

} // namespace kinora::pipelines
