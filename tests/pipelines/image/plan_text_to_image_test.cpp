#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/image/resolve_request.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

namespace {

const std::string kStarter = KINORA_SOURCE_DIR "/resources/models/starter-image";

ImageRequest request(int64_t size) {
    ImageRequest request;
    request.prompt = "flat emoji of a cat face";
    request.width = request.height = size;
    request.steps = 3;
    request.seed = 7;
    request.batch = 1;
    return request;
}

Machine machine(size_t freeBytes) {
    Machine machine;
    machine.device.freeMemoryBytes = freeBytes;
    machine.speed = {1e11, 1e11, 1e11, 1e10, 1e-6};
    return machine;
}

} // namespace

TEST_CASE("the plan's peak is what the run then takes") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const ModelFolder model = ModelFolder::open(kStarter);
    TextToImagePlanner planner(model, kernels::metaBackend(), DType::F32);
    for (const int64_t size : {128, 256, 384}) {
        const ImageRequest resolved = resolveRequest(request(size), model);
        const Plan plan = planner.plan(resolved, machine(size_t{1} << 40));
        CHECK(plan.fits);

        const auto device = backends.open("cpu", {.threads = 2});
        TextToImage pipeline(model, *device, DType::F32);
        pipeline.run(resolved, {});
        const auto taken =
            static_cast<double>(device->weightBytes() + device->arena().stats().peakReservedBytes);
        CHECK(static_cast<double>(plan.peakBytes) == doctest::Approx(taken).epsilon(0.1));
    }
}

TEST_CASE("a larger picture is planned to take longer and more") {
    const ModelFolder model = ModelFolder::open(kStarter);
    TextToImagePlanner planner(model, kernels::metaBackend(), DType::F32);
    const Plan small = planner.plan(resolveRequest(request(256), model), machine(1 << 30));
    const Plan large = planner.plan(resolveRequest(request(512), model), machine(1 << 30));
    CHECK(large.secondsPerStep > 3 * small.secondsPerStep);
    CHECK(large.peakBytes > small.peakBytes);
    CHECK(small.weightBytes == large.weightBytes);
}

TEST_CASE("what does not fit is said, with the size that would") {
    const ModelFolder model = ModelFolder::open(kStarter);
    TextToImagePlanner planner(model, kernels::metaBackend(), DType::F32);
    const Plan plan = planner.plan(resolveRequest(request(2048), model), machine(600 << 20));
    CHECK_FALSE(plan.fits);
    CHECK(plan.advice.find("What would fit: ") != std::string::npos);
    const Plan never = planner.plan(resolveRequest(request(2048), model), machine(1 << 20));
    CHECK(never.advice.find("too large for this machine") != std::string::npos);
}

TEST_CASE("precision auto follows the hardware, and an impossible one is refused") {
    kernels::DeviceDescription device{};
    CHECK(choosePrecision("auto", kernels::metaBackend(), 0, device) == DType::F32);
    device.fastBf16 = 1;
    CHECK(choosePrecision("auto", kernels::metaBackend(), 0, device) == DType::BF16);
    CHECK(choosePrecision("f32", kernels::metaBackend(), 0, device) == DType::F32);
    CHECK_THROWS_AS(choosePrecision("f8", kernels::metaBackend(), 0, device), Error);
}
