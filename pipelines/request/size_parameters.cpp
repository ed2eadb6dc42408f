#include "pipelines/request/size_parameters.h"

#include "pipelines/request/parameter_limits.h"

namespace kinora::pipelines {

// What models of the XL family are told besides the prompt; the others do not listen.
std::vector<Parameter> sizeParameters() {
    return {
        {.name = "originalWidth",
         .option = "original-width",
         .label = "Original width",
         .help = "SDXL: width that the picture is said to have had; unset, its own",
         .unit = "px",
         .field = &ImageRequest::originalWidth,
         .role = ParameterRole::Result,
         .minimum = 1,
         .maximum = kMostSizePixels,
         .fallback = std::monostate()},
        {.name = "originalHeight",
         .option = "original-height",
         .label = "Original height",
         .help = "SDXL: height that the picture is said to have had; unset, its own",
         .unit = "px",
         .field = &ImageRequest::originalHeight,
         .role = ParameterRole::Result,
         .minimum = 1,
         .maximum = kMostSizePixels,
         .fallback = std::monostate()},
        {.name = "cropLeft",
         .option = "crop-left",
         .label = "Crop left",
         .help = "SDXL: pixels said to be cut off at the left; unset, 0",
         .unit = "px",
         .field = &ImageRequest::cropLeft,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = kMostSizePixels,
         .fallback = std::monostate()},
        {.name = "cropTop",
         .option = "crop-top",
         .label = "Crop top",
         .help = "SDXL: pixels said to be cut off at the top; unset, 0",
         .unit = "px",
         .field = &ImageRequest::cropTop,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = kMostSizePixels,
         .fallback = std::monostate()},
        {.name = "targetWidth",
         .option = "target-width",
         .label = "Target width",
         .help = "SDXL: width that is said to be wanted; unset, that of the picture",
         .unit = "px",
         .field = &ImageRequest::targetWidth,
         .role = ParameterRole::Result,
         .minimum = 1,
         .maximum = kMostSizePixels,
         .fallback = std::monostate()},
        {.name = "targetHeight",
         .option = "target-height",
         .label = "Target height",
         .help = "SDXL: height that is said to be wanted; unset, that of the picture",
         .unit = "px",
         .field = &ImageRequest::targetHeight,
         .role = ParameterRole::Result,
         .minimum = 1,
         .maximum = kMostSizePixels,
         .fallback = std::monostate()},
    };
}

// What the XL family's refiner is told of a picture's worth.
std::vector<Parameter> scoreParameters() {
    return {
        {.name = "aestheticScore",
         .option = "aesthetic-score",
         .label = "Aesthetic score",
         .help = "SDXL refiner: how good the picture is said to be; unset, 6",
         .unit = "",
         .field = &ImageRequest::aestheticScore,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 10,
         .fallback = std::monostate()},
        {.name = "negativeAestheticScore",
         .option = "negative-aesthetic-score",
         .label = "Negative aesthetic score",
         .help = "SDXL refiner: the same for what to steer away from; unset, 2.5",
         .unit = "",
         .field = &ImageRequest::negativeAestheticScore,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 10,
         .fallback = std::monostate()},
    };
}

} // namespace kinora::pipelines
