#pragma once
// Normal random numbers, the same as the reference draws them.
//
//     auto generator = makeNoiseGenerator("torch-cpu", seed);
//     std::vector<float> noise(4 * 64 * 64);
//     generator->normal(noise);

#include "kernels/backend/device.h"
#include "kernels/tensor/tensor.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// Where a generator stands in its sequence. What the words mean is the generator's own.
using NoiseState = std::vector<uint32_t>;

class NoiseGenerator {
  public:
    virtual ~NoiseGenerator() = default;
    // One call is one torch.randn of that many values: how a draw is split matters.
    virtual void normal(std::span<float> values) = 0;

    // restore() takes what state() of a generator of the same name and seed gave: the draws that
    // follow are the same. Throws Error{BadFile} for words that are no state of this generator.
    virtual NoiseState state() const = 0;
    virtual void restore(const NoiseState& state) = 0;
};

// name: "torch-cpu" (torch.Generator("cpu").manual_seed(seed), float32) or "philox" (the numbers of
// PyTorch's CUDA generator). Throws Error{InvalidArgument} for another.
std::unique_ptr<NoiseGenerator> makeNoiseGenerator(std::string_view name, uint64_t seed);

// One generator for each picture of a batch, so that a picture is the same alone and in any batch.
class BatchNoise {
  public:
    // Picture i draws from seed firstSeed + i.
    BatchNoise(std::string_view name, uint64_t firstSeed, int64_t pictures);

    int64_t pictures() const { return static_cast<int64_t>(m_generators.size()); }

    // [pictures, height, width, channels] f32; each picture is drawn in NCHW order as the reference
    // does. On the meta back end nothing is drawn.
    kernels::Tensor draw(kernels::Device& device, int64_t height, int64_t width, int64_t channels);

    // Of each picture. restore() throws Error{BadFile} where they are not as many, or no states of
    // these generators.
    std::vector<NoiseState> state() const;
    void restore(std::span<const NoiseState> states);

  private:
    std::vector<std::unique_ptr<NoiseGenerator>> m_generators;
};

} // namespace kinora::pipelines
