#pragma once
// A job of the queue from a command line.

#include "app/cli/command.h"
#include "core/queue/queue_store.h"

namespace kinora::app {

// kinora queue add. Throws Error{InvalidArgument}, as kinora image does.
core::NewJob newJobFromArguments(const CommandContext& context, core::QueueStore& queue);
// kinora queue edit: the job as it is, with what the command line says changed.
core::NewJob editedJobFromArguments(const CommandContext& context, core::QueueStore& queue,
                                    const core::QueueJob& job);

// The queue may be worked through from anywhere. modelName: what the library calls the model.
void makePathsAbsolute(pipelines::ImageRequest& request, const std::string& modelName);

// Numbers of jobs among the words after the first. Throws Error{InvalidArgument}.
std::vector<core::QueueJobId> jobIdsFrom(const std::vector<std::string>& words);
core::QueueJobId jobIdFrom(const std::string& word);

} // namespace kinora::app
