#pragma once
// The request that a command line asks for, by the table of parameters.

#include "app/cli/arguments.h"
#include "pipelines/request/image_request.h"

namespace kinora::app {

// For --prompt - the descriptor `input` is read. Throws Error{InvalidArgument} that names the
// option.
pipelines::ImageRequest imageRequestFromArguments(const Arguments& arguments, int input);

// Sets in `request` what the command line says, and leaves the rest. Throws as above.
void applyImageArguments(pipelines::ImageRequest& request, const Arguments& arguments, int input);

} // namespace kinora::app
