#pragma once
// The --json events (resources/schemas/events.schema.json), each from what it tells of.

#include "core/engine/engine.h"
#include "core/library/model_library.h"
#include "core/queue/queue_job.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>

namespace kinora::app {

nlohmann::ordered_json planJson(const pipelines::Plan& plan);
nlohmann::ordered_json loadingJson(const core::LoadingEvent& loading);
nlohmann::ordered_json stepJson(const core::StepEvent& step);
// One model of the library, without the event's name.
nlohmann::ordered_json modelJson(const core::ModelEntry& model);
// What is used beside a model, without the event's name.
nlohmann::ordered_json companionJson(const core::CompanionInfo& file);

struct ResultFile {
    std::filesystem::path file;
    std::string sha256; // of the decoded pixels
    double seconds = 0; // since the job began
    uint64_t peakBytes = 0;
};
nlohmann::ordered_json resultJson(const core::PictureEvent& picture, const ResultFile& result);

// pixelHash of the picture as a reader of the file gets it: a lossy format, or one without alpha,
// changes the pixels.
std::string storedHash(const core::Image& image, const std::filesystem::path& file);

// One job of the queue, without the event's name.
nlohmann::ordered_json jobJson(const core::QueueJob& job);
// The queue as a whole, with the event's name "queue".
nlohmann::ordered_json queueJson(const core::QueueStatus& status);

// The plan as a person reads it, one line for each fact.
std::string planText(const pipelines::Plan& plan);
// "goes on from step 12.", or why it begins again; follows "Job 3 ".
std::string resumedText(const core::ResumedEvent& resumed);

} // namespace kinora::app
