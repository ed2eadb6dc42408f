#pragma once
// The parameters of sizes and scores, which only models of the XL family are told: a part of the
// one table (parameters.h).

#include "pipelines/request/parameters.h"

#include <vector>

namespace kinora::pipelines {

std::vector<Parameter> sizeParameters();
std::vector<Parameter> scoreParameters();

} // namespace kinora::pipelines
