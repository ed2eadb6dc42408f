// unet/config.json.

#include "pipelines/denoisers/unet_2d.h"
#include "tests/fuzz/fuzz_model.h"

#include <array>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::runConfig(data, size, [](const auto& json, auto& device, const auto& weights) {
        auto config = pipelines::Unet2dConfig::fromJson(json);
        pipelines::Unet2d unet(config, weights);
        auto sample = device.empty({1, 9, 16, config.inChannels}, kernels::DType::F32);
        auto prompt = device.empty({1, 7, config.promptWidth}, kernels::DType::F32);
        auto condition = config.timeConditionWidth
                             ? device.empty({1, config.timeConditionWidth}, kernels::DType::F32)
                             : kernels::Tensor{};
        std::array timesteps{999.0F};
        auto output = unet(sample, {timesteps, prompt, condition});
        fuzz::require(output.shape() == kernels::Shape({1, 9, 16, config.outChannels}),
                      "the output has the size of the input");
    });
    return 0;
}
