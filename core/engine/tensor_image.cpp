#include "core/engine/tensor_image.h"

namespace kinora::core {

Image toImage(const kernels::Tensor& tensor) {
    Image image{static_cast<int>(tensor.dim(1)), static_cast<int>(tensor.dim(0)), 3, {}};
    const auto values = tensor.device().toHost<float>(tensor);
    const auto stored = static_cast<size_t>(tensor.dim(2));
    image.channels = stored == 2 || stored == 4 ? 4 : 3;
    if (stored == 3 || stored == 4) {
        image.pixels = values;
        return image;
    }
    for (size_t i = 0; i < values.size(); i += stored) {
        for (size_t color = 0; color < 3; ++color)
            image.pixels.push_back(values[i + (stored > 2 ? color : 0)]);
        if (stored == 2) image.pixels.push_back(values[i + 1]);
    }
    return image;
}

} // namespace kinora::core
