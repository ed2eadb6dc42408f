// A request as it comes in a picture's metadata or in a message to a worker.

#include "pipelines/request/parameters.h"
#include "tests/fuzz/fuzz_support.h"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    nlohmann::json json = nlohmann::json::parse(fuzz::text(data, size), nullptr, false);
    if (json.is_discarded()) {
        return 0;
    }
    fuzz::errorsAreAnswers([&] {
        pipelines::ImageRequest request = pipelines::imageRequestFromJson(json);
        pipelines::validate(request);
        nlohmann::json again = pipelines::toJson(request);
        fuzz::require(pipelines::toJson(pipelines::imageRequestFromJson(again)) == again,
                      "what was written is read back the same");
        // An empty entry of a list waits for its value; text leaves it out.
        const auto waits = [](const nlohmann::json& value) {
            return value.is_array() && std::ranges::count(value, "") > 0;
        };
        if (std::ranges::any_of(again, waits)) return;
        for (const pipelines::Parameter& parameter : pipelines::imageParameters()) {
            if (auto written = pipelines::toText(request, parameter)) {
                pipelines::setFromText(request, parameter, *written);
            }
        }
        fuzz::require(pipelines::toJson(request) == again, "a value survives as text");
    });
    return 0;
}
