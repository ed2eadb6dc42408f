#include "pipelines/denoisers/denoiser.h"

#include "pipelines/denoisers/unet_2d.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace kinora::pipelines {
namespace {

struct Kind {
    std::string_view className;
    DenoiserConfig (*read)(const nlohmann::json& config, std::string_view file);
    std::unique_ptr<Denoiser> (*make)(const nlohmann::json& config, std::string_view file,
                                      const Weights& weights, size_t pictureAdapters);
};

constexpr std::array kKinds = {
    Kind{"UNet2DConditionModel", readUnet2d, makeUnet2d},
};

const Kind& kindOf(const nlohmann::json& config) {
    const auto name = config.find("_class_name");
    if (name == config.end() || !name->is_string()) return kKinds.front();
    const auto kind =
        std::ranges::find(kKinds, name->get_ref<const std::string&>(), &Kind::className);
    return kind == kKinds.end() ? kKinds.front() : *kind;
}

} // namespace

DenoiserConfig readDenoiserConfig(const nlohmann::json& config, std::string_view file) {
    return kindOf(config).read(config, file);
}

std::unique_ptr<Denoiser> makeDenoiser(const nlohmann::json& config, std::string_view file,
                                       const Weights& weights, size_t pictureAdapters) {
    return kindOf(config).make(config, file, weights, pictureAdapters);
}

} // namespace kinora::pipelines
