#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/run_preview.h"
#include "pipelines/image/text_to_image.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;

namespace {

constexpr int kThreads = 2;

Model tinyModel() {
    return Model::open(test::goldenPath("tiny-sd1"));
}

ImageRequest request(int64_t pixels) {
    ImageRequest request;
    request.prompt = "flat emoji of a cat face";
    request.width = request.height = pixels;
    request.steps = 4;
    request.sampler = "pndm"; // it remembers what a preview must not touch
    request.seed = 7;
    request.batch = 1;
    request.previewEvery = 1;
    return request;
}

PreviewChoice tiny(const char* file = "taesd/taesd_decoder.pth") {
    return {PreviewKind::Tiny,
            ExternalVae(test::goldenPath(std::string("tiny-autoencoders/") + file)), 1};
}

Machine machine() {
    Machine machine;
    machine.device.freeMemoryBytes = size_t{1} << 40;
    machine.speed = {1e11, 1e11, 1e11, 1e11, 1e10, 1e-6, {1, 1, 1, 1, 1}};
    return machine;
}

TextToImagePlanner plannerOf(const Model& model) {
    static const kernels::BackendTable meta = kernels::cpuPlanBackend(kernels::metaBackend());
    return {model, meta, DType::F32, kThreads};
}

struct Made {
    std::vector<float> picture;
    std::vector<Shape> previews;
};

Made run(TextToImage& pipeline, const ImageRequest& request, const PreviewChoice& preview) {
    Made made;
    TextToImageEvents events;
    events.picture = [&](int64_t, const kernels::Tensor& picture) {
        made.picture = pipeline.device().toHost<float>(picture);
    };
    events.preview = [&](int64_t, const kernels::Tensor& picture) {
        made.previews.push_back(picture.shape());
    };
    RunInputs inputs;
    inputs.preview = preview;
    pipeline.run(request, events, nullptr, inputs);
    return made;
}

} // namespace

TEST_CASE("no preview changes a bit of the picture") {
    const auto device = test::allBackends().open("cpu", {.threads = kThreads});
    const Model model = tinyModel();
    TextToImage pipeline(model, *device, DType::F32);
    const ImageRequest asked = resolveRequest(request(64), model);
    ImageRequest without = asked;
    without.previewEvery = 0;
    const Made none = run(pipeline, without, tiny()), matrix = run(pipeline, asked, {}),
               decoded = run(pipeline, asked, tiny());
    CHECK(none.previews.empty());
    const size_t previews = matrix.previews.size();
    CHECK(previews >= 3);
    CHECK((matrix.previews == std::vector<Shape>(previews, Shape{8, 8, 3})));
    CHECK((decoded.previews == std::vector<Shape>(previews, Shape{64, 64, 3})));
    CHECK((matrix.picture == none.picture));
    CHECK((decoded.picture == none.picture));
}

TEST_CASE("the plan's peak is that of a run with previews, whatever makes them") {
    const auto device = test::allBackends().open("cpu", {.threads = kThreads});
    const Model model = tinyModel();
    TextToImage pipeline(model, *device, DType::F32);
    const size_t loading = device->arena().stats().peakReservedBytes,
                 modelBytes = device->weightBytes();
    TextToImagePlanner planner = plannerOf(model);
    const ImageRequest asked = resolveRequest(request(512), model);
    // Where the VAE works in tiles, the preview is what takes most.
    ImageRequest tiled = asked;
    tiled.tiling = "on";
    for (const ImageRequest& one : {asked, tiled})
        for (const PreviewChoice& choice : {tiny(), PreviewChoice{}}) {
            const Plan plan = planner.plan(one, machine(), {}, {}, choice);
            device->arena().trim();
            device->arena().resetPeaks();
            run(pipeline, one, choice);
            const size_t peak = std::max(loading, device->arena().stats().peakReservedBytes);
            CHECK(plan.weightBytes == device->weightBytes());
            CHECK(plan.peakBytes == device->weightBytes() + peak);
            const bool isTiny = choice.kind == PreviewKind::Tiny;
            CHECK(plan.preview == (isTiny ? "tiny" : "fast"));
            CHECK((device->weightBytes() > modelBytes) == isTiny);
        }
    ImageRequest without = asked;
    without.previewEvery = 0;
    CHECK(planner.plan(without, machine(), {}, {}, tiny()).preview == "none");
}

TEST_CASE("previews that cost time are in the plan") {
    const Model model = tinyModel();
    TextToImagePlanner planner = plannerOf(model);
    ImageRequest asked = resolveRequest(request(256), model);
    const double fast = planner.plan(asked, machine()).secondsPerStep;
    const double each = planner.plan(asked, machine(), {}, {}, tiny()).secondsPerStep - fast;
    CHECK(each > 0);
    asked.previewEvery = 2;
    const double second = planner.plan(asked, machine(), {}, {}, tiny()).secondsPerStep - fast;
    CHECK(second == doctest::Approx(each / 2).epsilon(0.01));
}

TEST_CASE("previews are as large as costs little") {
    CHECK(poolingFor(64) == 1);
    CHECK(poolingFor(512) == 1);
    CHECK(poolingFor(520) == 2);
    CHECK(poolingFor(1024) == 2);
    CHECK(poolingFor(8192) == 16);
    CHECK(cheapPooling(512, 0.05) == 1);
    CHECK(cheapPooling(512, 0.051) == 2);
    CHECK(cheapPooling(512, 0.2) == 2);
    CHECK(cheapPooling(512, 0.21) == std::nullopt); // a third of 512 is too small
    CHECK(cheapPooling(1024, 0.05) == 2);
    CHECK(cheapPooling(1024, 0.1) == 3);
    CHECK(cheapPooling(1024, 0.4) == std::nullopt);
    CHECK(cheapPooling(128, 0.01) == 1); // a small picture's is as large as it is
    CHECK(cheapPooling(128, 0.06) == std::nullopt);
}

TEST_CASE("auto takes the small autoencoder where it is cheap, tiny always") {
    const Model model = tinyModel();
    TextToImagePlanner planner = plannerOf(model);
    ImageRequest asked = resolveRequest(request(512), model);
    asked.preview = "tiny";
    CHECK(planner.choosePreview(asked, machine(), tiny()).pooling == 1);
    asked.width = asked.height = 1024;
    CHECK(planner.choosePreview(asked, machine(), tiny()).pooling == 2);
    asked.preview = "auto";
    Machine fast = machine(); // of which this denoiser takes little but its attention
    fast.speed.attentionFlops = fast.speed.matmulFlops = 1e15;
    CHECK((planner.choosePreview(asked, fast, tiny()).kind == PreviewKind::Matrix));
    Machine slow = machine();
    slow.speed.attentionFlops = 1e6;
    const PreviewChoice cheap = planner.choosePreview(asked, slow, tiny());
    CHECK((cheap.kind == PreviewKind::Tiny));
    CHECK(cheap.pooling == 2);
}

TEST_CASE("one that does not decode these latents is refused") {
    const auto device = test::allBackends().open("meta", {.threads = kThreads});
    CHECK_THROWS_WITH_AS(makePreviewDecoder(tinyModel(), *device, DType::F32,
                                            tiny("odd/diffusion_pytorch_model.safetensors")),
                         doctest::Contains("cannot make previews of this model"), Error);
    CHECK(makePreviewDecoder(tinyModel(), *device, DType::F32, tiny()) != nullptr);
    Model small = tinyModel();
    small.replaceVae(*tiny().vae);
    CHECK(makePreviewDecoder(small, *device, DType::F32, {PreviewKind::Tiny, {}, 1}) != nullptr);
}
