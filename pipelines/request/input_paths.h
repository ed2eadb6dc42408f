#pragma once
// Where a request names files that a run begins from or follows, besides the model and its like.

#include "pipelines/request/image_request.h"

#include <string>
#include <vector>

namespace kinora::pipelines {

// In a fixed order; some may be empty.
std::vector<std::string*> inputPaths(ImageRequest& request);

} // namespace kinora::pipelines
