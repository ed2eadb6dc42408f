#pragma once
// Opens a model with the kinds of checkpoint files that came with the program.

#include "pipelines/weights/model.h"

#include <filesystem>

namespace kinora::core {

// A folder or a checkpoint file. Throws as pipelines::Model::open.
pipelines::Model openModel(const std::filesystem::path& path);

} // namespace kinora::core
