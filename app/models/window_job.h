#pragma once
// A job of the queue, from what the window asks for: the seed drawn, paths absolute, and a name for
// each picture, as `kinora queue add` would give them.

#include "core/library/model_library.h"
#include "core/queue/queue_store.h"

#include <filesystem>

namespace kinora::app {

// Reads the model's folder and the output folder; any thread. A model that cannot be used is left
// to the engine, which says why. Errors: the output folder cannot be written, in the window's
// words.
Result<core::NewJob> windowJob(pipelines::ImageRequest request, const core::ModelLibrary& library,
                               const std::filesystem::path& outputFolder, core::QueueStore& queue);

} // namespace kinora::app
