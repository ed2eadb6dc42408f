#include "pipelines/vae/vae.h"

#include "pipelines/vae/autoencoder_kl.h"
#include "pipelines/vae/autoencoder_kl_encoder.h"
#include "pipelines/vae/autoencoder_tiny.h"

#include <nlohmann/json.hpp>

namespace kinora::pipelines {
namespace {

bool isTiny(const nlohmann::json& config) {
    const auto found = config.find("_class_name");
    return found != config.end() && *found == kAutoencoderTinyClass;
}

} // namespace

VaeConfig readVaeConfig(const nlohmann::json& config, std::string_view file) {
    if (isTiny(config)) return AutoencoderTinyConfig::fromJson(config, file);
    return AutoencoderKlConfig::fromJson(config, file);
}

std::unique_ptr<VaeDecoder> makeVaeDecoder(const nlohmann::json& config, std::string_view file,
                                           const Weights& weights) {
    if (isTiny(config))
        return std::make_unique<AutoencoderTinyDecoder>(
            AutoencoderTinyConfig::fromJson(config, file), weights);
    return std::make_unique<AutoencoderKlDecoder>(AutoencoderKlConfig::fromJson(config, file),
                                                  weights);
}

std::unique_ptr<VaeEncoder> makeVaeEncoder(const nlohmann::json& config, std::string_view file,
                                           const Weights& weights) {
    if (isTiny(config))
        return std::make_unique<AutoencoderTinyEncoder>(
            AutoencoderTinyConfig::fromJson(config, file), weights);
    return std::make_unique<AutoencoderKlEncoder>(AutoencoderKlConfig::fromJson(config, file),
                                                  weights);
}

} // namespace kinora::pipelines
