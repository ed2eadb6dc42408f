#pragma once
// Opens a model with the kinds of checkpoint files that came with the program.

#include "pipelines/weights/model.h"

#include <filesystem>
#include <string>

namespace kinora::core {

// A folder or a checkpoint file. Throws as pipelines::Model::open.
pipelines::Model openModel(const std::filesystem::path& path);

// The configs of a kind of checkpoint file ("sd1", "sdxl"), laid out as a diffusers folder without
// weights. Throws Error{NotFound} where the program's resources are not there.
std::filesystem::path checkpointKindFolder(const std::string& kind);

} // namespace kinora::core
