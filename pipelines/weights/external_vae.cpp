#include "pipelines/weights/external_vae.h"

#include "kernels/base/error.h"
#include "pipelines/weights/checkpoint_names.h"
#include "pipelines/weights/checkpoint_weights.h"
#include "pipelines/weights/file_kind.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/weight_file.h"

#include <nlohmann/json.hpp>

#include <array>
#include <system_error>

namespace kinora::pipelines {
namespace {

// A tensor that every autoencoder has, and whose name no other network shares.
constexpr std::string_view kSign = "decoder.conv_in.weight";
constexpr std::array<std::string_view, 3> kPrefixes = {"", "first_stage_model.", "vae."};

std::string labelOf(const std::filesystem::path& file) {
    return file.filename().string();
}

// As the kernel of the first convolution says, [out, latents, 3, 3].
int64_t latentChannelsOf(const WeightSource& source, const std::string& prefix) {
    const auto kernel = source.find(prefix + std::string(kSign), {});
    return kernel && kernel->shape.rank() == 4 ? kernel->shape[1] : 0;
}

} // namespace

ExternalVae::ExternalVae(const std::filesystem::path& file)
    : ExternalVae(file, *openWeightFile(file, labelOf(file))) {}

ExternalVae::ExternalVae(const std::filesystem::path& file, const WeightSource& opened)
    : m_path(file) {
    const std::string* prefix = nullptr;
    for (const std::string_view candidate : kPrefixes) {
        if (!opened.find(std::string(candidate) + std::string(kSign), {})) continue;
        m_prefix = candidate;
        prefix = &m_prefix;
        break;
    }
    if (!prefix) m_tiny = TinyAutoencoderFile::find(file, opened);
    if (!prefix && !m_tiny) {
        const auto names = opened.names();
        const std::string_view kind = fileKindOf(names);
        throw Error(ErrorCode::Unsupported,
                    opened.label() + ": has no VAE that is known here" +
                        (kind.empty() ? "" : ", it is " + std::string(kind)) +
                        "; its first tensor is " +
                        briefName(names.empty() ? std::string() : names.front()) + ".",
                    "A VAE in the layout of diffusers or CompVis, or a checkpoint with one in it, "
                    "can be used.");
    }
    m_latentChannels = latentChannelsOf(opened, m_prefix);
    m_diffusersNames =
        opened.find(m_prefix + "decoder.mid_block.resnets.0.conv1.weight", {}).has_value();
    const std::filesystem::path config = file.parent_path() / "config.json";
    std::error_code ignored;
    if (file.stem().string().starts_with("diffusion_pytorch_model") &&
        std::filesystem::is_regular_file(config, ignored))
        m_config = std::make_shared<const nlohmann::json>(
            readJsonFile(config, (file.parent_path().filename() / "config.json").generic_string()));
    else if (m_tiny)
        m_config = std::make_shared<const nlohmann::json>(m_tiny->config());
    if (m_tiny) m_latentChannels = m_tiny->config().value("latent_channels", int64_t{0});
}

bool ExternalVae::isTiny() const {
    if (m_tiny) return true;
    if (!m_config) return false;
    const auto name = m_config->find("_class_name");
    return name != m_config->end() && *name == "AutoencoderTiny";
}

std::unique_ptr<WeightSource> ExternalVae::weights(const nlohmann::json& config) const {
    if (m_tiny) return m_tiny->weights();
    std::unique_ptr<WeightSource> source = openWeightFile(m_path, labelOf(m_path));
    if (m_diffusersNames && m_prefix.empty()) return source;
    const CheckpointNames names =
        m_diffusersNames
            ? CheckpointNames::same({"encoder", "decoder", "quant_conv", "post_quant_conv"})
            : CheckpointNames::autoencoder(config);
    return std::make_unique<CheckpointWeights>(std::move(source), m_prefix, names);
}

} // namespace kinora::pipelines
