#include "core/queue/queue_rows.h"

#include "core/media/bounded_json.h"
#include "core/media/text_encoding.h"
#include "kernels/base/error_code.h"
#include "kernels/base/utf8.h"
#include "pipelines/request/input_paths.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace kinora::core {

namespace {

constexpr size_t kLongestProject = 4096;
constexpr const char* kImageKind = "image";

[[noreturn]] void refuse(const Database& database, QueueJobId id, const std::string& what) {
    throw Error(ErrorCode::BadFile,
                shownPath(database.path()) + ": job " + std::to_string(id) + ": " +
                    repairedUtf8(what),
                "Another program may have changed it. kinora queue cancel and clear take it away.");
}

pipelines::ImageRequest requestFrom(const std::string& text, QueueJobId id,
                                    const Database& database) {
    const Result<nlohmann::json> json = parseBoundedJson(text);
    if (!json) refuse(database, id, json.error().message());
    try {
        return pipelines::imageRequestFromJson(*json);
    } catch (const Error& error) {
        refuse(database, id, error.message());
    }
}

[[noreturn]] void refuseNew(const std::string& what) {
    throw Error(ErrorCode::InvalidArgument, "A job of the queue: " + what);
}

} // namespace

JobState jobStateOf(const Statement& row, int column, const Database& database) {
    const std::optional<JobState> state = jobStateNamed(row.text(column));
    if (!state)
        throw Error(ErrorCode::BadFile,
                    shownPath(database.path()) + ": '" +
                        repairedUtf8(row.text(column).substr(0, 40)) + "' is no state of a job.",
                    "Another program may have changed it.");
    return *state;
}

QueueJob jobFromRow(const Statement& row, const Database& database) {
    QueueJob job;
    int column = 0;
    job.id = row.integer(column++);
    if (const std::string kind = row.text(column++); kind != kImageKind)
        throw Error(ErrorCode::Unsupported, "Job " + std::to_string(job.id) +
                                                " is of a kind that this version does not know.");
    job.state = jobStateOf(row, column++, database);
    job.project = repairedUtf8(row.text(column++));
    job.title = repairedUtf8(row.text(column++));
    job.priority = row.integer(column++);
    job.request = requestFrom(row.text(column++), job.id, database);
    const Result<ImageFormat> format = imageFormatFromName(row.text(column++));
    if (!format) refuse(database, job.id, format.error().message());
    job.output.format = *format;
    job.output.overwrite = row.integer(column++) != 0 ? Overwrite::Yes : Overwrite::No;
    job.output.metadata = row.integer(column++) != 0;
    job.pictures = row.integer(column++);
    job.picturesDone = row.integer(column++);
    job.revision = row.integer(column++);
    job.firstPicture = row.integer(column++);
    if (job.pictures != job.request.count || job.picturesDone < 0 ||
        job.picturesDone > job.pictures || job.firstPicture < 0 ||
        job.firstPicture >= job.pictures || !job.request.seed)
        refuse(database, job.id, "its pictures do not add up.");
    const std::optional<Wish> wish = wishNamed(row.text(column++));
    if (!wish) refuse(database, job.id, "nobody can wish that.");
    job.wish = *wish;
    job.added = row.integer(column++);
    const std::string code = row.text(column++);
    if (!code.empty())
        job.error = Error(storedErrorCode(code), repairedUtf8(row.text(column)),
                          repairedUtf8(row.text(column + 1)));
    column += 2;
    if (!row.isNull(column))
        job.progress = JobProgress{row.integer(column), row.integer(column + 1),
                                   row.integer(column + 2), row.real(column + 3)};
    column += 4;
    if (job.progress)
        job.secondsLeft = job.progress->secondsLeft;
    else if (!row.isNull(column) && !hasEnded(job.state))
        job.secondsLeft = row.real(column);
    return job;
}

void checkNewJob(const NewJob& job) {
    pipelines::validate(job.request);
    if (!job.request.seed) refuseNew("its seed is not set.");
    if (job.paths.size() != static_cast<size_t>(job.request.count))
        refuseNew("there is not one path for each picture.");
    for (const std::filesystem::path& path : job.paths)
        if (!path.is_absolute() || !path.has_filename() ||
            path.native().find('\0') != std::string::npos)
            refuseNew(shownPath(path) + " is not the absolute path of a file.");
    // The queue may be worked through from anywhere.
    pipelines::ImageRequest request = job.request;
    for (const std::string* input : pipelines::inputPaths(request))
        if (!input->empty() && !std::filesystem::path(*input).is_absolute())
            refuseNew(shownPath(*input) + " is not an absolute path.");
    if (!job.request.saveLatentsPath.empty())
        throw Error(ErrorCode::Unsupported, "A job of the queue saves pictures, not latents.",
                    "kinora image --save-latents does.");
    checkPriority(job.priority);
    if (job.project.size() > kLongestProject || !isValidUtf8(job.project) ||
        job.project.find('\0') != std::string::npos)
        refuseNew("the project's name is too long, or not text.");
}

void checkPriority(int64_t priority) {
    const std::string most = std::to_string(kMostPriority);
    if (priority < -kMostPriority || priority > kMostPriority)
        throw Error(ErrorCode::InvalidArgument,
                    "The priority cannot be " + std::to_string(priority) + ".",
                    "It is a whole number from -" + most + " to " + most + ".");
}

std::string formatName(ImageFormat format) {
    switch (format) {
    case ImageFormat::Png: return "png";
    case ImageFormat::Jpeg: return "jpg";
    case ImageFormat::Webp: return "webp";
    case ImageFormat::Tiff: return "tiff";
    case ImageFormat::Exr: return "exr";
    case ImageFormat::Avif: return "avif";
    }
    return "png";
}

std::string stepKind(const pipelines::ImageRequest& request) {
    const auto number = [](const auto& value) {
        return value ? std::to_string(*value) : std::string("-");
    };
    std::string kind = request.model + "|" + number(request.width) + "x" + number(request.height) +
                       "|" + number(request.steps) + "|" + number(request.cfg) + "|" +
                       request.sampler.value_or("-") + "|" + request.precision;
    if (!request.initPath.empty()) kind += "|from a picture " + number(request.strength);
    if (request.refiner) kind += "|refiner " + *request.refiner + " " + number(request.refinerAt);
    if (request.hires)
        kind += "|hires " + number(request.hires) + " " + number(request.hiresSteps) + " " +
                number(request.hiresStrength) + " " + request.hiresUpscaler.value_or("-");
    if (request.upscaler) kind += "|upscaler " + *request.upscaler;
    if (request.denoiseTile)
        kind += "|windows " + number(request.denoiseTile) + " " + number(request.denoiseStride);
    for (const auto* nets : {&request.controls, &request.adapters, &request.ipAdapters})
        if (!nets->empty()) kind += "|nets " + std::to_string(nets->size());
    return kind;
}

ErrorCode storedErrorCode(std::string_view name) {
    return errorCodeNamed(name).value_or(ErrorCode::Internal);
}

} // namespace kinora::core
