#pragma once
// Pictures larger than a model can do at once: the denoiser sees them in windows that overlap, and
// what it says of a place is the mean over the windows that hold it.
// Source: Bar-Tal et al. 2023 (MultiDiffusion), where each window takes its step and the results
// are averaged: for samplers whose step is linear in the prediction that is the same.
//
//     const std::vector<Window> windows = windowsOf(height, width, {.side = 64, .stride = 8});
//     Tensor output = predictInWindows(input, windows, [&](const Tensor& part, const Window& where)
//                                      { return denoiser(part, ...); });

#include "kernels/tensor/tensor.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace kinora::pipelines {

// In latents.
struct WindowOptions {
    int64_t side = 64;
    int64_t stride = 8; // from one window to the next, at least 1
};

struct Window {
    int64_t top, left, height, width;
};

// Row by row from the top left; where the stride does not end at the edge, one more window does.
// One window where the picture is no larger in either direction.
std::vector<Window> windowsOf(int64_t height, int64_t width, const WindowOptions& options);

// The part of x [N,H,W,C] that lies in the window, f32.
kernels::Tensor cutWindow(const kernels::Tensor& x, const Window& window);

// input [N,H,W,C] f32 -> [N,H,W,C'] f32, the mean of what predict says of each window. With one
// window predict sees the input itself.
kernels::Tensor predictInWindows(
    const kernels::Tensor& input, const std::vector<Window>& windows,
    const std::function<kernels::Tensor(const kernels::Tensor& part, const Window& window)>&
        predict);

} // namespace kinora::pipelines
