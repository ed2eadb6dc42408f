#include "pipelines/request/control_parameters.h"

#include "pipelines/request/control_choice.h"
#include "pipelines/request/parameter_limits.h"

namespace kinora::pipelines {
namespace {

std::string_view controlRule(std::string_view value) {
    return parseControlChoice(value) ? std::string_view{}
                                     : "NAME, NAME:WEIGHT or NAME:WEIGHT:BEGIN:END, weights from "
                                       "-100 to 100, 0 <= BEGIN < END <= 1";
}

// What prepares the pictures is named here and made in core: a test holds the two
// equal.
const std::vector<std::string_view> kPreparations = {"none", "canny", "scribble",
                                                     "tile", "blur",  "lineart"};

} // namespace

std::vector<Parameter> controlParameters() {
    return {
        {.name = "control",
         .option = "control",
         .label = "ControlNet",
         .help = "ControlNet by name or file, its weight and its stretch of the run",
         .unit = "",
         .field = &ImageRequest::controls,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate(),
         .rule = controlRule},
        {.name = "controlPrepare",
         .option = "control-prepare",
         .label = "ControlNet preparation",
         .help = "What is made of the ControlNet's picture first",
         .unit = "",
         .field = &ImageRequest::controlPrepare,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::monostate(),
         .choices = kPreparations},
        {.name = "controlGuess",
         .option = "control-guess",
         .label = "Guess mode",
         .help = "Guess mode on: ControlNets steer the positive side alone, even without a prompt",
         .unit = "",
         .field = &ImageRequest::controlGuess,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::monostate(),
         .choices = {"off", "on"}},
        {.name = "adapter",
         .option = "adapter",
         .label = "T2I-Adapter",
         .help = "T2I-Adapter by name or file, its weight and its stretch of the run",
         .unit = "",
         .field = &ImageRequest::adapters,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate(),
         .rule = controlRule},
        {.name = "adapterPrepare",
         .option = "adapter-prepare",
         .label = "T2I-Adapter preparation",
         .help = "What is made of the T2I-Adapter's picture first",
         .unit = "",
         .field = &ImageRequest::adapterPrepare,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::monostate(),
         .choices = kPreparations},
    };
}

} // namespace kinora::pipelines
