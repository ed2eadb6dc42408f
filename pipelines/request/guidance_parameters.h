#pragma once
// The parameters of what steers a denoiser beside the prompt's guidance: a part of the one table
// (parameters.h).

#include "pipelines/request/parameters.h"

#include <vector>

namespace kinora::pipelines {

std::vector<Parameter> guidanceParameters();

} // namespace kinora::pipelines
