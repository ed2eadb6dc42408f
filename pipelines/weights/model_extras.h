#pragma once
// kinora.json: what a model says that the diffusers configs have no place for.
//
// {"version": 1, "name": "Kinora starter",
//  "defaults": {"width": 128, "height": 128, "steps": 24, "sampler": "ddim", "cfg": 5.0},
//  "alpha": "over-white",
//  "previewFactors": [[r, g, b] for each latent channel], "previewBias": [r, g, b]}

#include "pipelines/weights/model.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace kinora::pipelines {

// latentChannels: how many rows previewFactors must have; 0: unknown. label: how errors name the
// file. Throws Error{BadFile} naming the field; Error{Unsupported} on a later version and on a
// field that is not known.
ModelExtras parseModelExtras(const nlohmann::json& json, int64_t latentChannels,
                             const std::string& label);

} // namespace kinora::pipelines
