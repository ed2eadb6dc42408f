#include "core/engine/bench_networks.h"

#include "kernels/ops/layout.h"
#include "pipelines/weights/model.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace kinora::core {
namespace {

using kernels::Shape;
using kernels::Tensor;
using nlohmann::json;

// Sizes of Stable Diffusion 1.5. Source: the published configs of that model.
json stableDiffusion15Unet() {
    const char* const attention = "CrossAttnDownBlock2D";
    const char* const up = "CrossAttnUpBlock2D";
    return {{"_class_name", "UNet2DConditionModel"},
            {"act_fn", "silu"},
            {"attention_head_dim", 8},
            {"block_out_channels", {320, 640, 1280, 1280}},
            {"cross_attention_dim", 768},
            {"down_block_types", {attention, attention, attention, "DownBlock2D"}},
            {"flip_sin_to_cos", true},
            {"freq_shift", 0},
            {"in_channels", 4},
            {"layers_per_block", 2},
            {"norm_eps", 1e-5},
            {"norm_num_groups", 32},
            {"out_channels", 4},
            {"sample_size", 64},
            {"up_block_types", {"UpBlock2D", up, up, up}}};
}

json stableDiffusion15Vae() {
    return {{"_class_name", "AutoencoderKL"},
            {"act_fn", "silu"},
            {"block_out_channels", {128, 256, 512, 512}},
            {"down_block_types", json::array_t(4, "DownEncoderBlock2D")},
            {"in_channels", 3},
            {"latent_channels", 4},
            {"layers_per_block", 2},
            {"norm_num_groups", 32},
            {"out_channels", 3},
            {"sample_size", 512},
            {"up_block_types", json::array_t(4, "UpDecoderBlock2D")}};
}

json stableDiffusion15Text() {
    return {{"architectures", {"CLIPTextModel"}},
            {"hidden_act", "quick_gelu"},
            {"hidden_size", 768},
            {"intermediate_size", 3072},
            {"layer_norm_eps", 1e-5},
            {"max_position_embeddings", 77},
            {"num_attention_heads", 12},
            {"num_hidden_layers", 12},
            {"eos_token_id", 2},
            {"vocab_size", 49408}};
}

} // namespace

BenchConfigs benchConfigs(const std::filesystem::path& modelFolder) {
    if (modelFolder.empty())
        return {pipelines::Unet2dConfig::fromJson(stableDiffusion15Unet()),
                pipelines::AutoencoderKlConfig::fromJson(stableDiffusion15Vae()),
                pipelines::ClipTextConfig::fromJson(stableDiffusion15Text())};
    const pipelines::Model model = pipelines::Model::open(modelFolder);
    return {pipelines::Unet2dConfig::fromJson(model.config("unet")),
            pipelines::AutoencoderKlConfig::fromJson(model.config("vae")),
            pipelines::ClipTextConfig::fromJson(model.config("text_encoder"))};
}

BenchNetworks::BenchNetworks(const BenchConfigs& configs, const BenchOptions& options,
                             kernels::Device& device, kernels::DType compute)
    : m_options(options), m_device(device), m_compute(compute),
      m_weights(m_source, device, compute) {
    const int64_t factor = configs.vae.factor();
    // The UNet halves its input at every level but the last.
    const int64_t multiple =
        factor << (configs.unet.blockChannels.empty() ? 0 : configs.unet.blockChannels.size() - 1);
    if (options.width % multiple != 0 || options.height % multiple != 0)
        throw Error(ErrorCode::InvalidArgument,
                    "--width and --height: " + std::to_string(options.width) + " x " +
                        std::to_string(options.height) + " is not a size of this model.",
                    "Use multiples of " + std::to_string(multiple) + ".");
    m_latentWidth = options.width / factor;
    m_latentHeight = options.height / factor;
    const bool all = options.part == BenchPart::Image;
    if (all || options.part == BenchPart::Text)
        m_text.emplace(configs.text, m_weights / "text_encoder");
    if (all || options.part == BenchPart::Unet) m_unet.emplace(configs.unet, m_weights / "unet");
    if (all || options.part == BenchPart::Vae) m_vae.emplace(configs.vae, m_weights / "vae");
}

void BenchNetworks::run() const {
    constexpr int64_t kPromptTokens = 77;
    switch (m_options.part) {
    case BenchPart::Text: encode(m_options.batch); break;
    case BenchPart::Vae: decode(); break;
    case BenchPart::Unet:
        denoise(m_options.batch,
                kernels::convert(
                    filled({m_options.batch, kPromptTokens, m_unet->config().crossAttentionWidth}),
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
    const int64_t length = m_text->config().positions;
    std::vector<int32_t> ids(static_cast<size_t>(prompts * length));
    for (size_t i = 0; i < ids.size(); ++i)
        ids[i] = static_cast<int32_t>(static_cast<int64_t>(i * 97) % m_text->config().vocabulary);
    return (*m_text)(ids, length);
}

void BenchNetworks::denoise(int64_t samples, const Tensor& prompts, int64_t steps) const {
    const pipelines::Unet2dConfig& config = m_unet->config();
    const Tensor sample = filled({samples, m_latentHeight, m_latentWidth, config.inChannels});
    Tensor condition;
    if (config.timeConditionWidth > 0) condition = filled({samples, config.timeConditionWidth});
    constexpr float kMiddle = 500; // of the thousand timesteps
    const std::vector<float> timesteps(static_cast<size_t>(samples), kMiddle);
    for (int64_t step = 0; step < steps; ++step) (*m_unet)(sample, timesteps, prompts, condition);
}

void BenchNetworks::decode() const {
    // One picture at a time, as the pipeline decodes a batch.
    for (int64_t picture = 0; picture < m_options.batch; ++picture)
        (*m_vae)(filled({1, m_latentHeight, m_latentWidth, m_vae->config().latentChannels}));
}

Tensor BenchNetworks::filled(const Shape& shape) const {
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = std::sin(static_cast<float>(i % 8191) * 0.37F);
    return m_device.fromHost(values.data(), shape, kernels::DType::F32);
}

} // namespace kinora::core
