#include "core/engine/bench_networks.h"

#include "kernels/ops/layout.h"
#include "pipelines/blocks/tiles.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <functional>
#include <string>

namespace kinora::core {
namespace {

using kernels::Shape;
using kernels::Tensor;

// Numbers that a denoiser of the SDXL kind is told besides the pooled prompt.
constexpr int64_t kSizeNumbers = 6;

std::vector<pipelines::ClipTextConfig> textConfigs(const pipelines::Model& model) {
    std::vector<pipelines::ClipTextConfig> configs;
    for (const char* name : {"text_encoder", "text_encoder_2"})
        if (model.has(name))
            configs.push_back(pipelines::ClipTextConfig::fromJson(model.config(name)));
    return configs;
}

} // namespace

BenchNetworks::BenchNetworks(const pipelines::Model& model, const BenchOptions& options,
                             kernels::Device& device, kernels::DType compute)
    : m_options(options), m_device(device), m_compute(compute),
      m_weights(m_source, device, compute) {
    const auto vae = pipelines::AutoencoderKlConfig::fromJson(model.config("vae"));
    const int64_t factor = vae.factor();
    if (options.width % factor != 0 || options.height % factor != 0)
        throw Error(ErrorCode::InvalidArgument,
                    "--width and --height: " + std::to_string(options.width) + " x " +
                        std::to_string(options.height) + " is not a size of this model.",
                    "Use multiples of " + std::to_string(factor) + ".");
    m_latentWidth = options.width / factor;
    m_latentHeight = options.height / factor;
    const bool all = options.part == BenchPart::Image;
    if (all || options.part == BenchPart::Text)
        for (const pipelines::ClipTextConfig& text : textConfigs(model))
            m_texts.emplace_back(text,
                                 m_weights / "text_encoders" / std::to_string(m_texts.size()));
    if (all || options.part == BenchPart::Unet)
        m_denoiser =
            makeDenoiser(model.config("unet"), model.configLabel("unet"), m_weights / "unet");
    if (all || options.part == BenchPart::Vae) m_vae.emplace(vae, m_weights / "vae");
}

void BenchNetworks::run() const {
    constexpr int64_t kPromptTokens = 77;
    switch (m_options.part) {
    case BenchPart::Text: encode(m_options.batch); break;
    case BenchPart::Vae: decode(); break;
    case BenchPart::Unet:
        denoise(m_options.batch,
                kernels::convert(
                    filled({m_options.batch, kPromptTokens, m_denoiser->config().promptWidth}),
                    m_compute),
                1);
        break;
    case BenchPart::Image: {
        // With guidance: the prompt and the negative prompt for each picture.
        const int64_t samples = 2 * m_options.batch;
        denoise(samples, encode(samples), m_options.steps);
        decode();
        break;
    }
    }
}

Tensor BenchNetworks::encode(int64_t prompts) const {
    std::vector<Tensor> embeddings;
    for (const pipelines::ClipTextModel& text : m_texts) {
        const int64_t length = text.config().positions;
        std::vector<int32_t> ids(static_cast<size_t>(prompts * length));
        for (size_t i = 0; i < ids.size(); ++i)
            ids[i] = static_cast<int32_t>(static_cast<int64_t>(i * 97) % text.config().vocabulary);
        embeddings.push_back(text(ids, length));
    }
    return embeddings.size() == 1 ? embeddings.front() : kernels::concat(embeddings);
}

Tensor BenchNetworks::addition(int64_t samples) const {
    const pipelines::DenoiserConfig& config = m_denoiser->config();
    if (config.additionWidth == 0) return {};
    const int64_t pooledWidth = config.additionWidth - kSizeNumbers * config.additionNumberWidth;
    const std::vector<float> numbers(static_cast<size_t>(samples * kSizeNumbers),
                                     static_cast<float>(m_options.width));
    return m_denoiser->embedAddition(filled({samples, pooledWidth}), numbers);
}

void BenchNetworks::denoise(int64_t samples, const Tensor& prompts, int64_t steps) const {
    const pipelines::DenoiserConfig& config = m_denoiser->config();
    const Tensor sample = filled({samples, m_latentHeight, m_latentWidth, config.inChannels});
    Tensor condition;
    if (config.timeConditionWidth > 0) condition = filled({samples, config.timeConditionWidth});
    const Tensor added = addition(samples);
    constexpr float kMiddle = 500; // of the thousand timesteps
    const std::vector<float> timesteps(static_cast<size_t>(samples), kMiddle);
    for (int64_t step = 0; step < steps; ++step)
        (*m_denoiser)(sample, {timesteps, prompts, condition, added});
}

void BenchNetworks::decode() const {
    // One picture at a time, as the pipeline decodes a batch.
    for (int64_t picture = 0; picture < m_options.batch; ++picture) {
        const pipelines::AutoencoderKlConfig& config = m_vae->config();
        const Tensor latents = filled({1, m_latentHeight, m_latentWidth, config.latentChannels});
        if (m_options.tiled)
            pipelines::runTiled(latents, pipelines::Tiling{}, config.factor(), 1,
                                config.outChannels, std::cref(*m_vae));
        else
            (*m_vae)(latents);
    }
}

Tensor BenchNetworks::filled(const Shape& shape) const {
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = std::sin(static_cast<float>(i % 8191) * 0.37F);
    return m_device.fromHost(values.data(), shape, kernels::DType::F32);
}

} // namespace kinora::core
