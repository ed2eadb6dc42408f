#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/plan/time_model.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::WorkClass;
using kernels::WorkRecord;

TEST_CASE("an op takes the longer of its arithmetic and its traffic, and a fixed cost") {
    const DeviceSpeed speed{100, 200, 50, 1000, 0.5};
    const auto seconds = [&](WorkRecord work) { return predictSeconds({&work, 1}, speed); };
    CHECK(seconds({WorkClass::Convolution, 1000, 10}) == doctest::Approx(10.5));
    CHECK(seconds({WorkClass::Matmul, 1000, 10}) == doctest::Approx(5.5));
    CHECK(seconds({WorkClass::Attention, 1000, 10}) == doctest::Approx(20.5));
    CHECK(seconds({WorkClass::Matmul, 1000, 9000}) == doctest::Approx(9.5));
    CHECK(seconds({WorkClass::Memory, 1e9, 2000}) == doctest::Approx(2.5));
    const std::vector<WorkRecord> both = {{WorkClass::Matmul, 1000, 10},
                                          {WorkClass::Memory, 0, 2000}};
    CHECK(predictSeconds(both, speed) == doctest::Approx(8.0));
}

TEST_CASE("a speed survives JSON, and a damaged one is refused") {
    const DeviceSpeed speed{1e11, 2e11, 3e11, 4e9, 5e-6};
    const DeviceSpeed again = deviceSpeedFromJson(toJson(speed));
    CHECK(again.attentionFlops == speed.attentionFlops);
    CHECK(again.secondsPerOp == speed.secondsPerOp);
    for (const char* field : {"convolutionFlops", "bytesPerSecond", "secondsPerOp"}) {
        nlohmann::json json = toJson(speed);
        json[field] = -1.0;
        CHECK_THROWS_AS(deviceSpeedFromJson(json), Error);
        json[field] = "fast";
        CHECK_THROWS_AS(deviceSpeedFromJson(json), Error);
        json.erase(field);
        CHECK_THROWS_AS(deviceSpeedFromJson(json), Error);
    }
    CHECK_THROWS_AS(deviceSpeedFromJson(nlohmann::json::array()), Error);
}

TEST_CASE("the CPU's measured speed is of the order of a CPU's") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = 1});
    const DeviceSpeed speed = measureSpeed(*device, kernels::DType::F32);
    CHECK(speed.convolutionFlops > 1e8);
    CHECK(speed.matmulFlops > 1e8);
    CHECK(speed.attentionFlops > 1e7);
    CHECK(speed.bytesPerSecond > 1e7);
    CHECK(speed.secondsPerOp < 1e-2);
}
