#include "app/models/window_job.h"

#include "app/cli/output_names.h"
#include "app/cli/queue_job_arguments.h"

#include <QRandomGenerator>

namespace kinora::app {
namespace {

// Advice of the command line names an option; the window has none.
Error inWindowWords(const Error& error) {
    if (error.advice().find("--output") == std::string::npos) return error;
    return Error(error.code(), error.message(), "Make it a folder that can be written to.");
}

} // namespace

Result<core::NewJob> windowJob(pipelines::ImageRequest request, const core::ModelLibrary& library,
                               const std::filesystem::path& outputFolder, core::QueueStore& queue) {
    core::NewJob job;
    job.request = std::move(request);
    if (!job.request.seed) job.request.seed = QRandomGenerator::system()->generate();
    const Result<core::ModelEntry> model = library.find(job.request.model);
    const std::string modelName = model ? model->name : job.request.model;
    makePathsAbsolute(job.request, modelName);
    const Result<std::vector<std::string>> promised = queue.promisedPaths();
    if (!promised) return promised.error();
    OutputRequest output;
    output.defaultFolder = outputFolder;
    output.prompt = job.request.prompt;
    output.model = modelName;
    output.seed = *job.request.seed;
    output.count = job.request.count;
    output.promised.insert(promised->begin(), promised->end());
    try {
        const OutputNames names = planOutputs(output);
        job.output.format = names.format;
        for (const std::filesystem::path& path : names.paths)
            job.paths.push_back(std::filesystem::absolute(path).lexically_normal());
    } catch (const Error& error) {
        return inWindowWords(error);
    } catch (const std::exception& error) {
        return Error(ErrorCode::Io, outputFolder.string() + " cannot be read: " + error.what());
    }
    return job;
}

} // namespace kinora::app
