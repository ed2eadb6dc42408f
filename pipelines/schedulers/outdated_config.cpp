#include "pipelines/schedulers/outdated_config.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <string>

namespace kinora::pipelines {
namespace {

struct Corrections {
    std::string_view pipelineClass;
    std::string_view flag; // besides steps_offset
    bool value;
};
constexpr Corrections kCorrections[] = {
    {"StableDiffusionPipeline", "clip_sample", false},
    {"StableDiffusionImg2ImgPipeline", "clip_sample", false},
    {"StableDiffusionInpaintPipelineLegacy", "clip_sample", false},
    {"StableDiffusionInpaintPipeline", "skip_prk_steps", true},
};

// Whether that class has the key and, where a config does not say it, a default to be corrected.
bool hasWrongDefault(std::string_view schedulerClass, std::string_view key) {
    if (key == "steps_offset") return schedulerClass != "DPMSolverSinglestepScheduler";
    if (key == "skip_prk_steps") return schedulerClass == "PNDMScheduler";
    return schedulerClass == "DDIMScheduler" || schedulerClass == "DDPMScheduler";
}

} // namespace

void correctOutdatedConfig(nlohmann::json& config, std::string_view pipelineClass,
                           std::string_view ownClass, std::string_view usedClass) {
    const auto* row = std::ranges::find(kCorrections, pipelineClass, &Corrections::pipelineClass);
    if (row == std::end(kCorrections) || !config.is_object()) return;
    const auto correct = [&](std::string_view key, const nlohmann::json& value) {
        const auto found = config.find(key);
        if (found == config.end()) {
            if (usedClass != ownClass || !hasWrongDefault(ownClass, key)) return;
        } else if (!(value.is_boolean() ? found->is_boolean() : found->is_number())) {
            return; // the reader's to refuse
        }
        config[std::string(key)] = value;
    };
    correct("steps_offset", 1);
    correct(row->flag, row->value);
}

} // namespace kinora::pipelines
