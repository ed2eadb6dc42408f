#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/plan/time_model.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::WorkClass;
using kernels::WorkRecord;

namespace {

constexpr DeviceSpeed kSpeed{.convolutionFlops = 100,
                             .winogradFlops = 400,
                             .matmulFlops = 200,
                             .attentionFlops = 50,
                             .bytesPerSecond = 1000,
                             .secondsPerOp = 0.5};

double predicted(const WorkRecord& work, const DeviceSpeed& speed = kSpeed) {
    return predictSeconds({&work, 1}, speed);
}

WorkRecord done(WorkClass workClass, double floatOperations, double trafficBytes, double seconds) {
    WorkRecord work{workClass, floatOperations, trafficBytes};
    work.seconds = seconds;
    return work;
}

double correction(const DeviceSpeed& speed, WorkClass workClass) {
    return speed.corrections.at(static_cast<size_t>(workClass));
}

} // namespace

TEST_CASE("an op takes the longer of its arithmetic and its traffic, and a fixed cost") {
    CHECK(predicted({WorkClass::Convolution, 1000, 10}) == doctest::Approx(10.51)); // both
    CHECK(predicted({WorkClass::WinogradConvolution, 1000, 10}) == doctest::Approx(3));
    CHECK(predicted({WorkClass::Matmul, 1000, 10}) == doctest::Approx(5.5));
    CHECK(predicted({WorkClass::Attention, 1000, 10}) == doctest::Approx(20.5));
    CHECK(predicted({WorkClass::Matmul, 1000, 9000}) == doctest::Approx(9.5));
    CHECK(predicted({WorkClass::Memory, 1e9, 2000}) == doctest::Approx(2.5));
    const std::vector<WorkRecord> both = {{WorkClass::Matmul, 1000, 10},
                                          {WorkClass::Memory, 0, 2000}};
    CHECK(predictSeconds(both, kSpeed) == doctest::Approx(8.0));
    DeviceSpeed slower = kSpeed;
    slower.corrections[static_cast<size_t>(WorkClass::Matmul)] = 2;
    CHECK(predictSeconds(both, slower) == doctest::Approx(13.5));
}

TEST_CASE("work is summed up by class") {
    const std::vector<WorkRecord> work = {done(WorkClass::Matmul, 1000, 10, 7),
                                          done(WorkClass::Memory, 0, 2000, 1),
                                          done(WorkClass::Matmul, 200, 10, 2)};
    const ClassTimes times = timesByClass(work, kSpeed);
    const ClassTime& products = times.at(static_cast<size_t>(WorkClass::Matmul));
    CHECK(products.ops == 2);
    CHECK(products.floatOperations == 1200);
    CHECK(products.seconds == 9);
    CHECK(products.predictedSeconds == doctest::Approx(7));
    CHECK(times.at(static_cast<size_t>(WorkClass::Memory)).seconds == 1);
    CHECK(times.at(static_cast<size_t>(WorkClass::Attention)).ops == 0);
    CHECK(std::string(workClassName(WorkClass::WinogradConvolution)) == "winograd");
}

TEST_CASE(
    "a speed learns from what work takes, half of the way each time, and forgets the same way") {
    const auto run = [](const DeviceSpeed& speed, double secondsOfProducts) {
        const std::vector<WorkRecord> work = {
            done(WorkClass::Matmul, 1000, 10, secondsOfProducts),
            done(WorkClass::Convolution, 1000, 10, 10.51),
            done(WorkClass::Memory, 0, 1, 0.1)}; // too little to tell
        return learnt(speed, timesByClass(work, speed));
    };
    DeviceSpeed speed = run(kSpeed, 4 * 5.5);
    CHECK(correction(speed, WorkClass::Matmul) == doctest::Approx(2));
    CHECK(correction(speed, WorkClass::Convolution) == doctest::Approx(1));
    CHECK(correction(speed, WorkClass::Memory) == 1);
    CHECK(correction(speed, WorkClass::Attention) == 1);
    for (int i = 0; i < 8; ++i) speed = run(speed, 4 * 5.5);
    CHECK(predicted({WorkClass::Matmul, 1000, 10}, speed) == doctest::Approx(22).epsilon(0.01));
    for (int i = 0; i < 8; ++i) speed = run(speed, 5.5);
    CHECK(predicted({WorkClass::Matmul, 1000, 10}, speed) == doctest::Approx(5.5).epsilon(0.01));
    for (int i = 0; i < 8; ++i) speed = run(speed, 1e9); // the program was stopped for a night
    CHECK(correction(speed, WorkClass::Matmul) == 16);
}

TEST_CASE("a speed survives JSON, and a damaged one is refused") {
    DeviceSpeed speed = kSpeed;
    speed.corrections = {1.5, 2, 3, 0.25, 1};
    const DeviceSpeed again = deviceSpeedFromJson(toJson(speed));
    CHECK(again.attentionFlops == speed.attentionFlops);
    CHECK(again.secondsPerOp == speed.secondsPerOp);
    CHECK(again.corrections == speed.corrections);
    for (const char* field :
         {"/convolutionFlops", "/bytesPerSecond", "/secondsPerOp", "/corrections/matmul"}) {
        const nlohmann::json::json_pointer pointer(field);
        nlohmann::json json = toJson(speed);
        json[pointer] = -1.0;
        CHECK_THROWS_AS(deviceSpeedFromJson(json), Error);
        json[pointer] = "fast";
        CHECK_THROWS_AS(deviceSpeedFromJson(json), Error);
        json[pointer.parent_pointer()].erase(pointer.back());
        CHECK_THROWS_AS(deviceSpeedFromJson(json), Error);
    }
    nlohmann::json json = toJson(speed);
    json["corrections"] = 1;
    CHECK_THROWS_AS(deviceSpeedFromJson(json), Error);
    json.erase("corrections");
    CHECK_THROWS_AS(deviceSpeedFromJson(json), Error);
    CHECK_THROWS_AS(deviceSpeedFromJson(nlohmann::json::array()), Error);
}

TEST_CASE("the CPU's measured speed is of the order of a CPU's") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = 1});
    const DeviceSpeed speed = measureSpeed(*device, kernels::DType::F32);
    CHECK(speed.convolutionFlops > 1e8);
    CHECK(speed.winogradFlops > 1e8);
    CHECK(speed.matmulFlops > 1e8);
    CHECK(speed.attentionFlops > 1e7);
    CHECK(speed.bytesPerSecond > 1e7);
    CHECK(speed.secondsPerOp < 1e-2);
}
