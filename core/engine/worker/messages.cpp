#include "core/engine/worker/messages.h"

#include "core/media/bounded_json.h"
#include "kernels/base/error_code.h"
#include "kernels/base/utf8.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>

namespace kinora::core {

namespace {

constexpr size_t kMostText = size_t{1} << 20;
constexpr int64_t kMostCount = int64_t{1} << 40; // of pictures, steps, pixels along an edge
constexpr int32_t kMostEdge = 1 << 16;
constexpr double kMostSeconds = 1e15;

[[noreturn]] void refuse(const std::string& what) {
    throw Error(ErrorCode::BadFile, "A worker's message: " + what + ".",
                "Studio and worker may be of different versions; install Kinora again.");
}

std::string checkedText(const std::string& text, const char* field) {
    if (text.size() > kMostText || !isValidUtf8(text)) refuse(std::string(field) + " is no text");
    return text;
}

int64_t checkedCount(int64_t value, const char* field) {
    if (value < 0 || value > kMostCount) refuse(std::string(field) + " is out of range");
    return value;
}

double checkedSeconds(double value, const char* field) {
    if (!(value >= 0 && value <= kMostSeconds)) refuse(std::string(field) + " is out of range");
    return value;
}

std::string textOf(const nlohmann::json& json) {
    try {
        return json.dump();
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorCode::InvalidArgument, "The request holds a text that is not UTF-8.",
                    "Write prompts and paths in UTF-8.");
    }
}

// A text that a sanitised copy may stand for: an error's words may quote a file's own bytes.
std::string presentable(std::string text) {
    if (!isValidUtf8(text))
        for (char& byte : text)
            if (static_cast<unsigned char>(byte) >= 0x80) byte = '?';
    return text;
}

Error errorFrom(const wire::Failure& failure) {
    if (failure.message().empty()) refuse("failure.message is empty");
    const std::optional<ErrorCode> code = errorCodeNamed(failure.code());
    if (!code) refuse("failure.code is not known");
    return Error(*code, checkedText(failure.message(), "failure.message"),
                 checkedText(failure.advice(), "failure.advice"));
}

pipelines::ImageRequest requestFrom(const std::string& text) {
    if (!isValidUtf8(text)) refuse("request is no text");
    Result<nlohmann::json> json = parseBoundedJson(text);
    if (!json) refuse("request: " + json.error().message());
    return pipelines::imageRequestFromJson(*json);
}

pipelines::Plan planFrom(const wire::Plan& message) {
    pipelines::Plan plan;
    plan.device = checkedText(message.device(), "plan.device");
    plan.deviceName = checkedText(message.device_name(), "plan.device_name");
    plan.threads = static_cast<int>(checkedCount(message.threads(), "plan.threads"));
    plan.precision = checkedText(message.precision(), "plan.precision");
    plan.batch = checkedCount(message.batch(), "plan.batch");
    plan.tiling = checkedText(message.tiling(), "plan.tiling");
    plan.preview = checkedText(message.preview(), "plan.preview");
    plan.width = checkedCount(message.width(), "plan.width");
    plan.height = checkedCount(message.height(), "plan.height");
    plan.steps = checkedCount(message.steps(), "plan.steps");
    plan.count = checkedCount(message.count(), "plan.count");
    plan.seconds = checkedSeconds(message.seconds(), "plan.seconds");
    plan.secondsPerStep = checkedSeconds(message.seconds_per_step(), "plan.seconds_per_step");
    plan.weightBytes = message.weight_bytes();
    plan.peakBytes = message.peak_bytes();
    plan.availableBytes = message.available_bytes();
    plan.fits = message.fits();
    plan.advice = checkedText(message.advice(), "plan.advice");
    constexpr int kMostWarnings = 1000;
    if (message.warnings_size() > kMostWarnings) refuse("plan.warnings are too many");
    for (const std::string& warning : message.warnings())
        plan.warnings.push_back(checkedText(warning, "plan.warnings"));
    return plan;
}

Image imageFrom(const wire::Pixels& pixels, std::span<const std::byte> outbox) {
    const bool edges = pixels.width() >= 1 && pixels.width() <= kMostEdge && pixels.height() >= 1 &&
                       pixels.height() <= kMostEdge;
    if (!edges || (pixels.channels() != 3 && pixels.channels() != 4))
        refuse("pixels have an impossible shape");
    const size_t count = static_cast<size_t>(pixels.width()) *
                         static_cast<size_t>(pixels.height()) *
                         static_cast<size_t>(pixels.channels());
    if (count * sizeof(float) > outbox.size()) refuse("pixels go beyond the shared memory");
    Image image{pixels.width(), pixels.height(), pixels.channels(), std::vector<float>(count)};
    std::memcpy(image.pixels.data(), outbox.data(), count * sizeof(float));
    return image;
}

Provenance provenanceFrom(const wire::Provenance& message) {
    const Result<nlohmann::json> made = parseBoundedJson(message.made());
    if (!made) refuse("provenance: " + made.error().message());
    Result<Provenance> provenance = provenanceFromJson(*made);
    if (!provenance) refuse("provenance: " + provenance.error().message());
    provenance->request = requestFrom(message.request());
    return *std::move(provenance);
}

wire::Provenance provenanceMessage(const Provenance& provenance) {
    wire::Provenance message;
    message.set_made(textOf(toJson(provenance)));
    message.set_request(requestText(provenance.request));
    return message;
}

// One function for each kind of event: into its message.
struct Writer {
    wire::Event& message;

    void operator()(const PlannedEvent& event) const {
        *message.mutable_planned()->mutable_plan() = core::toMessage(event.plan);
        message.mutable_planned()->set_request(requestText(event.request));
    }
    void operator()(const ResumedEvent& event) const {
        auto& resumed = *message.mutable_resumed();
        resumed.set_interruption(presentable(event.interruption));
        resumed.set_picture(event.picture);
        resumed.set_step(event.step);
        resumed.set_from_beginning_because(presentable(event.fromBeginningBecause));
    }
    void operator()(const LoadingEvent& event) const {
        message.mutable_loading()->set_component(event.component);
        message.mutable_loading()->set_fraction(event.fraction);
    }
    void operator()(const StepEvent& event) const {
        auto& step = *message.mutable_step();
        step.set_picture(event.picture);
        step.set_pictures(event.pictures);
        step.set_step(event.step);
        step.set_steps(event.steps);
        step.set_seconds_per_step(event.secondsPerStep);
        step.set_seconds_left(event.secondsLeft);
        step.set_done(event.done);
        step.set_all(event.all);
    }
    void operator()(const PreviewEvent& event) const {
        message.mutable_preview()->set_picture(event.picture);
    }
    void operator()(const PictureEvent& event) const {
        message.mutable_picture()->set_picture(event.picture);
        *message.mutable_picture()->mutable_provenance() = provenanceMessage(event.provenance);
    }
    void operator()(const FinishedEvent& event) const {
        auto& finished = *message.mutable_finished();
        finished.set_seconds(event.seconds);
        finished.set_denoise_seconds(event.denoiseSeconds);
        finished.set_peak_bytes(event.peakBytes);
    }
    void operator()(const FailedEvent& event) const {
        *message.mutable_failed() = core::toMessage(event.error);
    }
    void operator()(const CancelledEvent&) const { message.mutable_cancelled(); }
};

ResumedEvent resumedFrom(const wire::Resumed& message) {
    return {checkedText(message.interruption(), "resumed.interruption"),
            checkedCount(message.picture(), "resumed.picture"),
            checkedCount(message.step(), "resumed.step"),
            checkedText(message.from_beginning_because(), "resumed.from_beginning_because")};
}

StepEvent stepFrom(const wire::Step& message) {
    return {checkedCount(message.picture(), "step.picture"),
            checkedCount(message.pictures(), "step.pictures"),
            checkedCount(message.step(), "step.step"),
            checkedCount(message.steps(), "step.steps"),
            checkedSeconds(message.seconds_per_step(), "step.seconds_per_step"),
            checkedSeconds(message.seconds_left(), "step.seconds_left"),
            checkedCount(message.done(), "step.done"),
            checkedCount(message.all(), "step.all")};
}

LoadingEvent loadingFrom(const wire::Loading& message) {
    if (!(message.fraction() >= 0 && message.fraction() <= 1))
        refuse("loading.fraction is out of range");
    return {checkedText(message.component(), "loading.component"), message.fraction()};
}

EngineEvent eventFrom(const wire::Event& message, std::span<const std::byte> outbox) {
    switch (message.kind_case()) {
    case wire::Event::kPlanned:
        return PlannedEvent{planFrom(message.planned().plan()),
                            requestFrom(message.planned().request())};
    case wire::Event::kResumed: return resumedFrom(message.resumed());
    case wire::Event::kLoading: return loadingFrom(message.loading());
    case wire::Event::kStep: return stepFrom(message.step());
    case wire::Event::kPreview:
        return PreviewEvent{checkedCount(message.preview().picture(), "preview.picture"),
                            imageFrom(message.preview().pixels(), outbox)};
    case wire::Event::kPicture:
        return PictureEvent{checkedCount(message.picture().picture(), "picture.picture"),
                            imageFrom(message.picture().pixels(), outbox),
                            provenanceFrom(message.picture().provenance())};
    case wire::Event::kFinished:
        return FinishedEvent{
            checkedSeconds(message.finished().seconds(), "finished.seconds"),
            checkedSeconds(message.finished().denoise_seconds(), "finished.denoise_seconds"),
            message.finished().peak_bytes()};
    case wire::Event::kFailed: return FailedEvent{errorFrom(message.failed())};
    case wire::Event::kCancelled: return CancelledEvent{};
    case wire::Event::KIND_NOT_SET: break;
    }
    refuse("it is of no known kind");
}

} // namespace

std::string requestText(const pipelines::ImageRequest& request) {
    return textOf(pipelines::toJson(request));
}

wire::Plan toMessage(const pipelines::Plan& plan) {
    wire::Plan message;
    message.set_device(plan.device);
    message.set_device_name(presentable(plan.deviceName));
    message.set_threads(plan.threads);
    message.set_precision(plan.precision);
    message.set_batch(plan.batch);
    message.set_tiling(plan.tiling);
    message.set_preview(plan.preview);
    message.set_width(plan.width);
    message.set_height(plan.height);
    message.set_steps(plan.steps);
    message.set_count(plan.count);
    message.set_seconds(plan.seconds);
    message.set_seconds_per_step(plan.secondsPerStep);
    message.set_weight_bytes(plan.weightBytes);
    message.set_peak_bytes(plan.peakBytes);
    message.set_available_bytes(plan.availableBytes);
    message.set_fits(plan.fits);
    message.set_advice(presentable(plan.advice));
    for (const std::string& warning : plan.warnings) message.add_warnings(presentable(warning));
    return message;
}

wire::Failure toMessage(const Error& error) {
    wire::Failure failure;
    failure.set_code(std::string(errorCodeName(error.code())));
    failure.set_message(presentable(error.message()));
    failure.set_advice(presentable(error.advice()));
    return failure;
}

wire::Event toMessage(const EngineEvent& event) {
    wire::Event message;
    std::visit(Writer{message}, event);
    return message;
}

Result<EngineEvent> eventFromMessage(const wire::Event& event, std::span<const std::byte> outbox) {
    try {
        return eventFrom(event, outbox);
    } catch (const Error& error) {
        return error;
    }
}

Result<pipelines::Plan> planFromMessage(const wire::PlanReply& reply) {
    try {
        if (reply.has_failure()) return errorFrom(reply.failure());
        if (!reply.has_plan()) refuse("the plan is missing");
        return planFrom(reply.plan());
    } catch (const Error& error) {
        return error;
    }
}

Result<pipelines::ImageRequest> requestFromText(const std::string& text) {
    try {
        return requestFrom(text);
    } catch (const Error& error) {
        return error;
    }
}

const wire::Pixels* announcedPixels(const wire::Event& event) {
    if (event.has_preview()) return &event.preview().pixels();
    if (event.has_picture()) return &event.picture().pixels();
    return nullptr;
}

wire::Pixels* pixelsOf(wire::Event& event) {
    if (event.has_preview()) return event.mutable_preview()->mutable_pixels();
    if (event.has_picture()) return event.mutable_picture()->mutable_pixels();
    return nullptr;
}

} // namespace kinora::core
