// kinora.json, from its bytes on.

#include "pipelines/weights/json_text.h"
#include "pipelines/weights/model_extras.h"
#include "tests/fuzz/fuzz_support.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::errorsAreAnswers([&] {
        nlohmann::json json = pipelines::parseJsonObject(fuzz::text(data, size), "kinora.json");
        pipelines::ModelExtras extras = pipelines::parseModelExtras(json, 2, "kinora.json");
        for (const auto& row : extras.previewFactors) {
            for (float factor : row) {
                fuzz::require(std::isfinite(factor), "preview factors are finite");
            }
        }
    });
    return 0;
}
