#pragma once
// Parameters that need one another: a net and the picture that it follows, a stretch of a second
// pass and the pass.

#include "pipelines/request/image_request.h"

#include <string>
#include <vector>

namespace kinora::pipelines {

// One picture for each net that steers, and a preparation for each or for none. Throws
// Error{InvalidArgument}.
void checkSteeringPictures(const ImageRequest& request);

// Sentences about what is asked for and does not count, because what it belongs to is not asked
// for. request: as a person gave it, with nothing filled in.
std::vector<std::string> withoutPartner(const ImageRequest& request);

} // namespace kinora::pipelines
