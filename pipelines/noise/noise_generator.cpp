#include "pipelines/noise/noise_generator.h"

#include "kernels/base/error.h"
#include "pipelines/noise/philox_noise.h"
#include "pipelines/noise/torch_cpu_noise.h"

#include <string>

namespace kinora::pipelines {

std::unique_ptr<NoiseGenerator> makeNoiseGenerator(std::string_view name, uint64_t seed) {
    if (name == "torch-cpu") return std::make_unique<TorchCpuNoise>(seed);
    if (name == "philox") return std::make_unique<PhiloxNoise>(seed);
    throw Error(ErrorCode::InvalidArgument,
                "noise: there is no generator '" + std::string(name) + "'.",
                "Use one of: torch-cpu, philox.");
}

BatchNoise::BatchNoise(std::string_view name, uint64_t firstSeed, int64_t pictures) {
    for (int64_t i = 0; i < pictures; ++i)
        m_generators.push_back(makeNoiseGenerator(name, firstSeed + static_cast<uint64_t>(i)));
}

kernels::Tensor BatchNoise::draw(kernels::Device& device, int64_t height, int64_t width,
                                 int64_t channels) {
    const auto pictures = static_cast<int64_t>(m_generators.size());
    const kernels::Shape shape{pictures, height, width, channels};
    if (!device.hasNumbers()) return device.empty(shape, kernels::DType::F32);

    const int64_t area = height * width;
    std::vector<float> drawn(static_cast<size_t>(area * channels)); // [channels, area]
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    float* next = values.data();
    for (auto& generator : m_generators) {
        generator->normal(drawn);
        for (int64_t position = 0; position < area; ++position)
            for (int64_t channel = 0; channel < channels; ++channel)
                *next++ = drawn[static_cast<size_t>(channel * area + position)];
    }
    return device.fromHost(values.data(), shape, kernels::DType::F32);
}

std::vector<NoiseState> BatchNoise::state() const {
    std::vector<NoiseState> states;
    for (const auto& generator : m_generators) states.push_back(generator->state());
    return states;
}

void BatchNoise::restore(std::span<const NoiseState> states) {
    if (states.size() != m_generators.size())
        throw Error(ErrorCode::BadFile, "The state of the noise is that of " +
                                            std::to_string(states.size()) + " pictures, not of " +
                                            std::to_string(m_generators.size()) + ".");
    for (size_t i = 0; i < states.size(); ++i) m_generators[i]->restore(states[i]);
}

} // namespace kinora::pipelines
