#pragma once
// The request that a command line asks for, by the table of parameters.

#include "app/cli/arguments.h"
#include "pipelines/request/image_request.h"

#include <iosfwd>

namespace kinora::app {

// `input` is read for --prompt -. Throws Error{InvalidArgument} that names the option.
pipelines::ImageRequest imageRequestFromArguments(const Arguments& arguments, std::istream& input);

} // namespace kinora::app
