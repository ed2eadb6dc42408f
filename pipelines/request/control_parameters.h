#pragma once
// The parameters of pictures that steer, of ControlNets and T2I-Adapters: a part of the one table
// (parameters.h).

#include "pipelines/request/parameters.h"

#include <vector>

namespace kinora::pipelines {

std::vector<Parameter> controlParameters();

} // namespace kinora::pipelines
