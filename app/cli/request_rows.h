#pragma once
// What a request asks for, as rows of a table.

#include "app/cli/text_table.h"
#include "pipelines/request/image_request.h"

namespace kinora::app {

enum class RequestRows { Result, All }; // what decides the picture; that and how it is run

// A row for each value that is not the usual one, under the name that the window gives it.
void addRequest(TextTable& table, const pipelines::ImageRequest& request, RequestRows rows);

} // namespace kinora::app
