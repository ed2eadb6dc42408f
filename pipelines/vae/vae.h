#pragma once
// An autoencoder of any kind: pictures to latents and back. The config says the kind by
// "_class_name"; without one it is AutoencoderKL's.
//
//     auto decoder = makeVaeDecoder(model.config("vae"), model.configLabel("vae"), weights);
//     Tensor picture = (*decoder)(latents);

#include "pipelines/vae/vae_config.h"
#include "pipelines/weights/weights.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string_view>

namespace kinora::pipelines {

// What of any kind's config its users go by. Throws as the kinds' own fromJson().
VaeConfig readVaeConfig(const nlohmann::json& config, std::string_view file = "vae/config.json");

// Throw Error{Unsupported, BadFile} naming the config's key or the tensor.
std::unique_ptr<VaeDecoder> makeVaeDecoder(const nlohmann::json& config, std::string_view file,
                                           const Weights& weights);
std::unique_ptr<VaeEncoder> makeVaeEncoder(const nlohmann::json& config, std::string_view file,
                                           const Weights& weights);

} // namespace kinora::pipelines
