// What one live preview costs: latents to a small picture, at the sizes of SD 1.5 and SDXL.
//
//     ninja -C build/release bench_preview_cost && build/release/bin/bench_preview_cost
//
// Beside it stands what a step costs: kinora bench unet.

#include "kernels/backend/registry.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/vae/latent_preview.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <tuple>
#include <vector>

using namespace kinora;

namespace {

double medianSeconds(kernels::Device& device, int64_t side, const pipelines::PreviewFactors& by) {
    constexpr int kRuns = 101;
    const kernels::Shape shape{1, side, side, 4};
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
    const kernels::Tensor latents = device.fromHost(values.data(), shape, kernels::DType::F32);
    std::vector<double> seconds;
    for (int run = 0; run < kRuns; ++run) {
        const auto start = std::chrono::steady_clock::now();
        const kernels::Tensor picture = pipelines::previewPicture(by, latents);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        seconds.push_back(took.count());
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
}

} // namespace

int main() {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {});
    pipelines::VaeConfig vae;
    vae.latentChannels = 4;
    for (const auto& [name, scale, side] :
         {std::tuple{"SD 1.5, 512 x 512", 0.18215f, 64}, {"SDXL, 1024 x 1024", 0.13025f, 128}}) {
        vae.scalingFactor = scale;
        const double seconds = medianSeconds(*device, side, pipelines::knownPreviewFactors(vae));
        std::printf("%s: %.1f microseconds\n", name, seconds * 1e6);
    }
    return 0;
}
