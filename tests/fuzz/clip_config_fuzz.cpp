// text_encoder/config.json.

#include "pipelines/text/clip_text_model.h"
#include "tests/fuzz/fuzz_model.h"

#include <vector>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::runConfig(data, size, [](const auto& json, auto&, const auto& weights) {
        auto config = pipelines::ClipTextConfig::fromJson(json);
        pipelines::ClipTextModel model(config, weights);
        std::vector<int32_t> ids(static_cast<size_t>(config.positions), 0);
        auto hidden = model(ids, config.positions);
        fuzz::require(hidden.shape() == kernels::Shape({1, config.positions, config.width}),
                      "one row for each token");
    });
    return 0;
}
