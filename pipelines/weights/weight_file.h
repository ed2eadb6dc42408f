#pragma once
// One file of tensors in any format that is read here.

#include "pipelines/weights/weight_source.h"

#include <filesystem>
#include <memory>
#include <string>

namespace kinora::pipelines {

// safetensors, or what torch.save writes: told by the first bytes, whatever the ending says.
// label: how errors name it. Throws Error{NotFound, BadFile, Unsupported, Io}.
std::unique_ptr<WeightSource> openWeightFile(const std::filesystem::path& path, std::string label);

} // namespace kinora::pipelines
