#include "kernels/backend/device.h"
#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"
#include "kernels/ops/elementwise.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <new>
#include <string>

using namespace kinora;
using namespace kinora::kernels;

namespace {

ErrorCode codeOf(const Device& device, Status status) {
    try {
        device.check(status, "an op");
    } catch (const Error& error) {
        CHECK(error.message().find("an op") != std::string::npos);
        return error.code();
    }
    FAIL("nothing was thrown");
    return ErrorCode::Internal;
}

} // namespace

TEST_CASE("a status becomes what it means") {
    const Device device(metaBackend(), {.threads = 1});
    CHECK_NOTHROW(device.check(Status::Ok, "an op"));
    CHECK_THROWS_AS(device.check(Status::Cancelled, "an op"), Cancelled);
    CHECK(codeOf(device, Status::OutOfMemory) == ErrorCode::OutOfMemory);
    CHECK(codeOf(device, Status::Unsupported) == ErrorCode::Unsupported);
    CHECK(codeOf(device, Status::Failed) == ErrorCode::Internal);
    CHECK(codeOf(device, Status::InvalidArgument) == ErrorCode::Internal);
}

TEST_CASE("a device that does not open is an error that names it") {
    BackendTable table = metaBackend();
    table.open = [](const OpenArgs*, Context**) { return Status::Failed; };
    try {
        const Device device(table, {.ordinal = 3});
        FAIL("it opened");
    } catch (const Error& error) {
        CHECK(error.message().find("device 3") != std::string::npos);
        CHECK(error.message().find("meta") != std::string::npos);
    }
}

TEST_CASE("the limit of a device's memory holds, and absurd tensors are refused") {
    Device device(metaBackend(), {.threads = 1, .memoryLimitBytes = size_t{16} << 20});
    CHECK_NOTHROW(device.empty({1 << 20}, DType::F32));
    CHECK_THROWS_AS(device.empty({1 << 24}, DType::F32), Error);
    Device unlimited(metaBackend(), {.threads = 1});
    CHECK_THROWS_AS(unlimited.empty({INT64_MAX}, DType::F64), Error);
    CHECK_THROWS_AS(unlimited.empty({INT64_MAX}, DType::F32), Error);
}

TEST_CASE("scratch memory that cannot be had is null to a back end, whatever was thrown") {
    static HostServices host;
    static bool exhausted;
    exhausted = false;
    BackendTable table = metaBackend();
    table.open = [](const OpenArgs* args, Context** context) {
        host = args->host;
        return metaBackend().open(args, context);
    };
    table.allocate = [](Context* context, size_t sizeBytes) -> void* {
        if (exhausted) throw std::bad_alloc();
        return metaBackend().allocate(context, sizeBytes);
    };
    Device device(table, {.threads = 1, .memoryLimitBytes = size_t{16} << 20});
    void* memory = host.allocate(host.host, 100);
    CHECK(memory != nullptr);
    host.release(host.host, memory);
    CHECK(device.arena().stats().usedBytes == 0);
    CHECK(host.allocate(host.host, size_t{32} << 20) == nullptr); // beyond the limit
    exhausted = true;
    device.arena().trim();
    CHECK(host.allocate(host.host, 100) == nullptr);
}

TEST_CASE("work is recorded between start and stop only") {
    Device device(metaBackend(), {.threads = 1});
    const Tensor x = device.empty({10}, DType::F32);
    add(x, x);
    device.startRecording();
    add(x, x);
    const std::vector<WorkRecord> work = device.stopRecording();
    REQUIRE(work.size() == 1);
    CHECK(work[0].workClass == WorkClass::Memory);
    CHECK(work[0].floatOperations == 10);
    CHECK(work[0].trafficBytes == 120);
    add(x, x);
    CHECK(device.stopRecording().empty());
}
