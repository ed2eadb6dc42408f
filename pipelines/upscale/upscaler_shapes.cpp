#include "pipelines/upscale/upscaler_shapes.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"

namespace kinora::pipelines {

bool UpscalerShapes::has(const std::string& name) const {
    return m_source.find(name, {}).has_value();
}

int UpscalerShapes::rank(const std::string& name) const {
    return shape(name).rank();
}

int64_t UpscalerShapes::extent(const std::string& name, int axis) const {
    const kernels::Shape found = shape(name);
    if (axis >= found.rank()) refuse(briefName(name) + " has too few axes");
    return found[axis];
}

int64_t UpscalerShapes::count(const std::string& before, const std::string& after) const {
    int64_t number = 0;
    while (number <= kMostBlocks && has(before + std::to_string(number) + after)) ++number;
    return number;
}

void UpscalerShapes::refuse(const std::string& why) const {
    throw Error(ErrorCode::Unsupported, m_source.label() + ": " + why + ".",
                "Upscalers of the kinds ESRGAN, Real-ESRGAN and its compact one can be used.");
}

void UpscalerShapes::require(int64_t value, int64_t most, const char* what) const {
    if (value < 1 || value > most)
        refuse(std::string("its ") + what + " is " + std::to_string(value) + ", which is not " +
               "from 1 to " + std::to_string(most));
}

kernels::Shape UpscalerShapes::shape(const std::string& name) const {
    const auto found = m_source.find(name, {});
    if (!found) refuse(briefName(name) + " is missing");
    return found->shape;
}

int64_t scaleOfChannels(int64_t channels) {
    if (channels % UpscalerShapes::kPictureChannels) return 0;
    for (int64_t side = 1; side <= UpscalerShapes::kMostScale; ++side)
        if (side * side == channels / UpscalerShapes::kPictureChannels) return side;
    return 0;
}

} // namespace kinora::pipelines
