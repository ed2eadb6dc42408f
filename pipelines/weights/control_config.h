#pragma once
// The config of a ControlNet or T2I-Adapter that comes without one: what its tensors say, and for
// the rest what the denoiser says that it copies. Private to this folder.

#include "pipelines/weights/weight_source.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace kinora::pipelines {

// What a ControlNet shares with the denoiser whose first half it copies. unet: valid.
nlohmann::json controlNetLike(const nlohmann::json& unet);

// like: as above; weights: with the names of diffusers. What of its blocks attends and how often,
// its inputs and how it reads the picture are the tensors' to say. Throws Error{BadFile}.
nlohmann::json controlNetConfig(nlohmann::json like, const WeightSource& weights);

// Of a full adapter; file: in either layout, its names behind prefix. Throws Error{BadFile}.
nlohmann::json adapterConfig(const WeightSource& file, const std::string& prefix,
                             const std::string& label);

// Empty where it cannot be told.
std::string familyOfAdapter(const WeightSource& file, const std::string& prefix);

} // namespace kinora::pipelines
