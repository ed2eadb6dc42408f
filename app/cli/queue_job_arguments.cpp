#include "app/cli/queue_job_arguments.h"

#include "app/cli/image_request_arguments.h"
#include "app/cli/output_names.h"
#include "core/library/companion_files.h"
#include "pipelines/request/input_paths.h"

#include <QRandomGenerator>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <unistd.h>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

// By a name alone it is looked for in the library.
bool isPath(const std::string& name) {
    std::error_code ignored;
    return name.find('/') != std::string::npos || (!name.empty() && fs::exists(name, ignored));
}

core::ModelEntry modelOf(const CommandContext& context, const pipelines::ImageRequest& request) {
    core::ModelEntry model = orThrow(context.program.library.find(request.model));
    if (!model.problem.empty())
        throw Error(ErrorCode::BadFile,
                    "The model " + model.name + " cannot be used: " + model.problem,
                    "kinora models lists those that can.");
    return model;
}

// Names that other jobs will use: all that are promised but those in job.paths.
std::set<std::string> promisedToOthers(const core::NewJob& job, core::QueueStore& queue) {
    const std::vector<std::string> promised = orThrow(queue.promisedPaths());
    std::set<std::string> others(promised.begin(), promised.end());
    for (const fs::path& own : job.paths) others.erase(own.string());
    return others;
}

void setOutputs(core::NewJob& job, const CommandContext& context, core::QueueStore& queue,
                const core::ModelEntry& model) {
    const Arguments& arguments = context.arguments;
    OutputRequest output;
    output.output = arguments.value("output");
    output.format = arguments.value("format");
    output.overwrite = arguments.has("overwrite") || job.output.overwrite == core::Overwrite::Yes;
    output.defaultFolder = context.program.outputFolder;
    output.prompt = job.request.prompt;
    output.model = model.name;
    output.seed = *job.request.seed;
    output.count = job.request.count;
    output.promised = promisedToOthers(job, queue);
    const OutputNames names = job.paths.empty() || output.output
                                  ? planOutputs(output)
                                  : continueOutputs(job.paths, job.output.format, output);
    job.output.format = names.format;
    job.output.overwrite = output.overwrite ? core::Overwrite::Yes : core::Overwrite::No;
    job.paths.clear();
    for (const fs::path& path : names.paths)
        job.paths.push_back(fs::absolute(path).lexically_normal());
}

// What a run begins from or looks at, as files: pictures and latents.
std::set<std::string> inputFiles(pipelines::ImageRequest request) {
    std::set<std::string> files;
    for (const std::string* path : pipelines::inputPaths(request))
        if (!path->empty()) files.insert(*path);
    for (const core::CompanionPlace& place : core::companionPlaces(request))
        if (place.kind == core::CompanionKind::Picture) files.insert(place.name());
    return files;
}

// A job that cannot run is told of now, not when its turn comes. A picture that another job will
// make is there by then. earlier: of the job as it was, which nobody names now.
void requireInputs(const pipelines::ImageRequest& request, core::QueueStore& queue,
                   const std::set<std::string>& earlier) {
    std::optional<std::vector<std::string>> promised;
    for (const std::string& file : inputFiles(request)) {
        std::error_code ignored;
        if (earlier.contains(file) || fs::exists(file, ignored)) continue;
        if (!promised) promised = orThrow(queue.promisedPaths());
        if (std::ranges::find(*promised, file) != promised->end()) continue;
        throw Error(ErrorCode::NotFound, printable(file) + ": there is no such file.",
                    "Check the name. A picture that is still to be made must be in the queue "
                    "before it is named.");
    }
}

void setOwnOptions(core::NewJob& job, const Arguments& arguments) {
    if (const auto project = arguments.value("project")) job.project = *project;
    job.priority =
        arguments.integer("priority", job.priority, -core::kMostPriority, core::kMostPriority);
    if (arguments.has("no-metadata")) job.output.metadata = false;
}

} // namespace

void makePathsAbsolute(pipelines::ImageRequest& request, const std::string& modelName) {
    if (request.model != modelName && isPath(request.model))
        request.model = absoluteText(request.model);
    for (const core::CompanionPlace& place : core::companionPlaces(request))
        if (const std::string name = place.name();
            place.kind == core::CompanionKind::Picture || isPath(name))
            place.rename(absoluteText(name));
    for (std::string* input : pipelines::inputPaths(request))
        if (!input->empty()) *input = absoluteText(*input);
}

core::NewJob newJobFromArguments(const CommandContext& context, core::QueueStore& queue) {
    const Arguments& arguments = context.arguments;
    core::NewJob job;
    job.request = imageRequestFromArguments(arguments, STDIN_FILENO);
    const core::ModelEntry model = modelOf(context, job.request);
    makePathsAbsolute(job.request, model.name);
    requireInputs(job.request, queue, {});
    // Drawn here, because files are named by it, and a picture begun again must be the same one.
    if (!job.request.seed) job.request.seed = QRandomGenerator::system()->generate();
    setOwnOptions(job, arguments);
    for (const std::string& needed : arguments.values("after"))
        job.needs.push_back(jobIdFrom(needed));
    job.paused = arguments.has("paused");
    setOutputs(job, context, queue, model);
    return job;
}

core::NewJob editedJobFromArguments(const CommandContext& context, core::QueueStore& queue,
                                    const core::QueueJob& job) {
    const Arguments& arguments = context.arguments;
    core::NewJob edited;
    edited.request = job.request;
    edited.project = job.project;
    edited.priority = job.priority;
    edited.output = job.output;
    applyImageArguments(edited.request, arguments, STDIN_FILENO);
    const core::ModelEntry model = modelOf(context, edited.request);
    makePathsAbsolute(edited.request, model.name);
    requireInputs(edited.request, queue, inputFiles(job.request));
    setOwnOptions(edited, arguments);
    for (const core::QueueItem& item : orThrow(queue.items(job.id)))
        edited.paths.push_back(item.path);
    const bool renamed =
        arguments.has("output") || arguments.has("format") || edited.request.count != job.pictures;
    if (arguments.has("overwrite")) edited.output.overwrite = core::Overwrite::Yes;
    if (renamed) setOutputs(edited, context, queue, model);
    return edited;
}

core::QueueJobId jobIdFrom(const std::string& word) {
    core::QueueJobId id = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, id);
    if (error != std::errc() || stop != end || id < 1)
        throw Error(ErrorCode::InvalidArgument, "'" + word.substr(0, 60) + "' is no job.",
                    "A job is named by its number: kinora queue list shows it.");
    return id;
}

std::vector<core::QueueJobId> jobIdsFrom(const std::vector<std::string>& words) {
    std::vector<core::QueueJobId> ids;
    for (size_t i = 1; i < words.size(); ++i) ids.push_back(jobIdFrom(words[i]));
    return ids;
}

} // namespace kinora::app
