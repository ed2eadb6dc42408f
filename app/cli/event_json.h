#pragma once
// The --json events (resources/schemas/events.schema.json), each from what it tells of.

#include "core/engine/engine.h"
#include "core/library/model_library.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>

namespace kinora::app {

nlohmann::ordered_json planJson(const pipelines::Plan& plan);
nlohmann::ordered_json loadingJson(const core::LoadingEvent& loading);
nlohmann::ordered_json stepJson(const core::StepEvent& step);
// One model of the library, without the event's name.
nlohmann::ordered_json modelJson(const core::ModelEntry& model);

struct ResultFile {
    std::filesystem::path file;
    std::string sha256; // of the decoded pixels
    double seconds = 0; // since the job began
    uint64_t peakBytes = 0;
};
nlohmann::ordered_json resultJson(const core::PictureEvent& picture, const ResultFile& result);

// The plan as a person reads it, one line for each fact.
std::string planText(const pipelines::Plan& plan);

} // namespace kinora::app
