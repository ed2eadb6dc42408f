#pragma once
// Pictures that tests begin from or follow: a golden file has each once, and runs take the size
// that they need of it.

#include "pipelines/image/host_tensor.h"
#include "tests/support/golden_file.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kinora::test {

// The upper left corner of the picture `name`, [height, width, channels].
inline pipelines::HostTensor cornerOf(const GoldenFile& pictures, const std::string& name,
                                      int64_t width, int64_t height) {
    const std::vector<int64_t> shape = pictures.shape(name);
    const std::vector<float> all = pictures.floats(name);
    pipelines::HostTensor part{kernels::Shape{height, width, shape.at(2)}, {}};
    for (int64_t y = 0; y < height; ++y) {
        const auto row = all.begin() + y * shape.at(1) * shape.at(2);
        part.values.insert(part.values.end(), row, row + width * shape.at(2));
    }
    return part;
}

} // namespace kinora::test
