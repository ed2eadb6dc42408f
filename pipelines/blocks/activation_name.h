#pragma once
// Activations by the names that configs use.

#include "kernels/backend/backend_table.h"
#include "pipelines/weights/config_reader.h"

#include <string_view>

namespace kinora::pipelines {

// The activation that config[key] names. Throws Error{Unsupported} for a name that is not known.
kernels::Activation readActivation(ConfigReader& config, std::string_view key,
                                   std::string_view fallback);

} // namespace kinora::pipelines
