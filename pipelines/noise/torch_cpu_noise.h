#pragma once
// torch.Generator("cpu") and torch.randn in float32, number for number.

#include "pipelines/noise/mersenne_twister.h"
#include "pipelines/noise/noise_generator.h"

#include <optional>

namespace kinora::pipelines {

// The uniform numbers are PyTorch's bit for bit; the normal ones differ from it by less than 1e-6,
// because PyTorch takes log, sin and cos from one of several vector libraries (which differ from
// each other by as much, by processor), and this takes them from the C library in double, rounded
// at each place where PyTorch rounds to float. So ours are the same on every processor.
class TorchCpuNoise final : public NoiseGenerator {
  public:
    // Only the low 32 bits of the seed count, as in PyTorch.
    explicit TorchCpuNoise(uint64_t seed);
    void normal(std::span<float> values) override;
    NoiseState state() const override;
    void restore(const NoiseState& state) override;

  private:
    float uniform();        // 24 bits, in [0, 1)
    double uniformDouble(); // 53 bits, in [0, 1)
    double scalarNormal();
    void fillSixteen(float* values);

    MersenneTwister m_engine;
    std::optional<double> m_next; // draws of fewer than 16 make their values in pairs
};

} // namespace kinora::pipelines
