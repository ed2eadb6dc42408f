// vae/config.json.

#include "pipelines/vae/vae.h"
#include "tests/fuzz/fuzz_model.h"

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::runConfig(data, size, [](const auto& json, auto& device, const auto& weights) {
        auto config = pipelines::readVaeConfig(json);
        const auto decoder = pipelines::makeVaeDecoder(json, "config.json", weights);
        auto latents = device.empty({1, 3, 2, config.latentChannels}, kernels::DType::F32);
        auto picture = (*decoder)(latents);
        fuzz::require(picture.shape() == kernels::Shape({1, 3 * config.factor(),
                                                         2 * config.factor(), config.outChannels}),
                      "the picture is larger by the factor");
    });
    return 0;
}
