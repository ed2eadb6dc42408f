#pragma once
// What the reference's pipelines set right in a scheduler's config when they are built: files of
// 2022 say otherwise, or do not say it.

#include <nlohmann/json_fwd.hpp>

#include <string_view>

namespace kinora::pipelines {

// config: scheduler_config.json; left as it is where it is no object. pipelineClass and ownClass
// (the scheduler's) as model_index.json names them. usedClass: the scheduler's that is to be made;
// another one than the model's own takes what the file says, but not what is missing in it.
// Source: __init__ of diffusers' StableDiffusionPipeline, -Img2ImgPipeline and -InpaintPipeline,
// and ConfigMixin.from_config; the other pipelines change nothing.
void correctOutdatedConfig(nlohmann::json& config, std::string_view pipelineClass,
                           std::string_view ownClass, std::string_view usedClass);

} // namespace kinora::pipelines
