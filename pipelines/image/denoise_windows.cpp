#include "pipelines/image/denoise_windows.h"

#include "kernels/backend/device.h"

#include <algorithm>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

// Where windows begin along one side.
std::vector<int64_t> beginnings(int64_t length, const WindowOptions& options) {
    std::vector<int64_t> begins = {0};
    const int64_t last = std::max<int64_t>(length - options.side, 0);
    while (begins.back() < last)
        begins.push_back(std::min(begins.back() + std::max<int64_t>(options.stride, 1), last));
    return begins;
}

// Calls with the index of each row of the window in a whole [N,H,W,C] picture.
template <typename Row> void forRows(const Shape& whole, const Window& window, const Row& row) {
    for (int64_t picture = 0; picture < whole[0]; ++picture)
        for (int64_t y = 0; y < window.height; ++y)
            row(((picture * whole[1] + window.top + y) * whole[2] + window.left) * whole[3]);
}

} // namespace

std::vector<Window> windowsOf(int64_t height, int64_t width, const WindowOptions& options) {
    std::vector<Window> windows;
    for (const int64_t top : beginnings(height, options))
        for (const int64_t left : beginnings(width, options))
            windows.push_back(
                {top, left, std::min(options.side, height), std::min(options.side, width)});
    return windows;
}

Tensor cutWindow(const Tensor& x, const Window& window) {
    kernels::Device& device = x.device();
    const Shape shape{x.dim(0), window.height, window.width, x.dim(3)};
    if (!device.hasNumbers()) return device.empty(shape, DType::F32);
    const std::vector<float> values = device.toHost<float>(x);
    std::vector<float> part;
    part.reserve(static_cast<size_t>(shape.elements()));
    forRows(x.shape(), window, [&](int64_t begin) {
        const float* row = values.data() + begin;
        part.insert(part.end(), row, row + window.width * x.dim(3));
    });
    return device.fromHost(part.data(), shape, DType::F32);
}

Tensor
predictInWindows(const Tensor& input, const std::vector<Window>& windows,
                 const std::function<Tensor(const Tensor& part, const Window& window)>& predict) {
    if (windows.size() == 1) return predict(input, windows.front());
    kernels::Device& device = input.device();
    std::vector<double> sums;
    std::vector<int64_t> counts;
    Shape shape = input.shape();
    for (const Window& window : windows) {
        const Tensor output = predict(cutWindow(input, window), window);
        shape = input.shape().with(-1, output.dim(3));
        if (!device.hasNumbers()) continue;
        sums.resize(static_cast<size_t>(shape.elements()));
        counts.resize(sums.size());
        const std::vector<float> values = device.toHost<float>(output);
        const float* next = values.data();
        forRows(shape, window, [&](int64_t begin) {
            const auto end = static_cast<size_t>(begin + window.width * shape[3]);
            for (auto at = static_cast<size_t>(begin); at < end; ++at) {
                sums[at] += *next++;
                ++counts[at];
            }
        });
    }
    if (!device.hasNumbers()) return device.empty(shape, DType::F32);
    std::vector<float> mean(sums.size());
    for (size_t at = 0; at < mean.size(); ++at)
        mean[at] = static_cast<float>(sums[at] / static_cast<double>(counts[at]));
    return device.fromHost(mean.data(), shape, DType::F32);
}

} // namespace kinora::pipelines
