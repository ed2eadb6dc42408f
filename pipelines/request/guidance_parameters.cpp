#include "pipelines/request/guidance_parameters.h"

#include "pipelines/request/attention_layers.h"
#include "pipelines/request/free_u.h"
#include "pipelines/request/parameter_limits.h"

namespace kinora::pipelines {
namespace {

std::string_view layersRule(std::string_view value) {
    return parseAttentionLayers(value) ? std::string_view{}
                                       : "mid, down, up or one block of them (down.1), with commas";
}

std::string_view freeURule(std::string_view value) {
    return parseFreeU(value) ? std::string_view{} : "B1:B2:S1:S2, each from 0 to 10, or off";
}

} // namespace

std::vector<Parameter> guidanceParameters() {
    return {
        {.name = "pag",
         .option = "pag",
         .label = "Attention guidance",
         .help = "Perturbed-attention guidance: 3 is usual; unset or 0, none",
         .unit = "",
         .field = &ImageRequest::pag,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 100,
         .fallback = std::monostate()},
        {.name = "pagAdaptive",
         .option = "pag-adaptive",
         .label = "Attention guidance fades",
         .help = "How much of --pag is lost with each timestep below 1000; unset, nothing",
         .unit = "",
         .field = &ImageRequest::pagAdaptive,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 1,
         .fallback = std::monostate()},
        {.name = "pagLayers",
         .option = "pag-layers",
         .label = "Attention guidance layers",
         .help = "Where --pag perturbs: mid, down, up, down.1 ..., with commas; unset, mid",
         .unit = "",
         .field = &ImageRequest::pagLayers,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::monostate(),
         .rule = layersRule},
        {.name = "freeu",
         .option = "freeu",
         .label = "FreeU",
         .help = "Backbone and skip factors B1:B2:S1:S2, as 1.5:1.6:0.9:0.2; unset, off",
         .unit = "",
         .field = &ImageRequest::freeU,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::monostate(),
         .rule = freeURule},
    };
}

} // namespace kinora::pipelines
