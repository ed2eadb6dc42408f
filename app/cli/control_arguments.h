#pragma once
// Options that belong together by their order: what steers a picture.
//
//     --control canny --control-image a.png --control-weight 0.8 --control depth --control-image
//     b.png

#include "app/cli/arguments.h"
#include "pipelines/request/image_request.h"

#include <string_view>

namespace kinora::app {

// Whether applyControlArguments reads it: not for a reader that takes each option for itself.
bool isControlOption(std::string_view option);

// Adds to `request` the ControlNets and T2I-Adapters of the command line: each with the options
// between it and the next one. Throws Error{InvalidArgument} that names the option: one that stands
// before any net, is there twice for one, or has a value out of range; a net without a picture.
void applyControlArguments(pipelines::ImageRequest& request, const Arguments& arguments);

} // namespace kinora::app
