// What one live preview costs: latents to a small picture, at the sizes of SD 1.5 and SDXL, by the
// matrix and by a small autoencoder of TAESD's sizes with random weights.
//
//     ninja -C build/release bench_preview_cost && build/release/bin/bench_preview_cost
//
// Beside it stands what a step costs: kinora bench unet.

#include "kernels/backend/registry.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/plan/time_model.h"
#include "pipelines/vae/latent_preview.h"
#include "pipelines/vae/tiny_preview.h"
#include "pipelines/vae/vae.h"
#include "pipelines/weights/random_weights.h"
#include "pipelines/weights/weights.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <tuple>
#include <vector>

using namespace kinora;
using kernels::DType;

namespace {

double medianSeconds(kernels::Device& device, int64_t side, const pipelines::PreviewDecoder& by,
                     int runs) {
    const kernels::Shape shape{1, side, side, 4};
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
    const kernels::Tensor latents = device.fromHost(values.data(), shape, DType::F32);
    std::vector<double> seconds;
    for (int run = 0; run < runs; ++run) {
        const auto start = std::chrono::steady_clock::now();
        const kernels::Tensor picture = by(latents);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        seconds.push_back(took.count());
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
}

pipelines::TinyPreview tinyPreview(kernels::Device& device, DType compute, int64_t pooling) {
    const nlohmann::json config{{"_class_name", "AutoencoderTiny"}};
    const pipelines::RandomWeights source;
    const pipelines::Weights weights(source, device, compute);
    return {pipelines::makeVaeDecoder(config, "config.json", weights), pooling};
}

void measureTiny(kernels::Device& device, kernels::Device& meta, DType compute, const char* name,
                 int64_t side, int64_t pooling) {
    constexpr int kRuns = 9;
    const double seconds =
        medianSeconds(device, side, tinyPreview(device, compute, pooling), kRuns);
    const pipelines::TinyPreview planned = tinyPreview(meta, compute, pooling);
    meta.startRecording();
    (void)planned(meta.empty({1, side, side, 4}, DType::F32));
    const double predicted =
        pipelines::predictSeconds(meta.stopRecording(), pipelines::measureSpeed(device, compute));
    std::printf("%s, tiny, %s, %d pixels a side: %.0f milliseconds (predicted %.0f)\n", name,
                compute == DType::F32 ? "f32" : "bf16", static_cast<int>(side / pooling * 8),
                seconds * 1e3, predicted * 1e3);
}

} // namespace

int main() {
    constexpr int kRuns = 101;
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    backends.add(kernels::metaBackend());
    const auto device = backends.open("cpu", {}), meta = backends.open("meta", {});
    pipelines::VaeConfig vae;
    vae.latentChannels = 4;
    for (const auto& [name, scale, side] :
         {std::tuple{"SD 1.5, 512 x 512", 0.18215f, 64}, {"SDXL, 1024 x 1024", 0.13025f, 128}}) {
        vae.scalingFactor = scale;
        const pipelines::MatrixPreview matrix(pipelines::knownPreviewFactors(vae));
        std::printf("%s, matrix: %.1f microseconds\n", name,
                    medianSeconds(*device, side, matrix, kRuns) * 1e6);
        for (const DType compute : {DType::BF16, DType::F32})
            for (const int64_t pooling : {side / 64, side / 32}) // 512 and 256 pixels
                if (device->supports(compute))
                    measureTiny(*device, *meta, compute, name, side, pooling);
    }
    return 0;
}
