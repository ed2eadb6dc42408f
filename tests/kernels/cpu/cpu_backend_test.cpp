#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>

#include <string_view>

namespace kinora::kernels::test {

TEST_CASE("the CPU describes itself") {
    const BackendTable& table = cpuBackend();
    CHECK(table.version == kBackendVersion);
    CHECK(table.deviceCount() == 1);
    DeviceDescription description;
    REQUIRE(table.describe(0, &description) == Status::Ok);
    CHECK(std::string_view(description.name).size() > 2);
    CHECK(description.memoryBytes > (uint64_t{256} << 20));
    CHECK(description.freeMemoryBytes <= description.memoryBytes);
    CHECK(description.freeMemoryBytes > 0);
    CHECK(description.cores >= 1);
    CHECK(description.hostVisible == 1);
    CHECK(table.describe(1, &description) == Status::InvalidArgument);
}

TEST_CASE("the CPU always computes in f32, never in an integer type") {
    CHECK(cpuBackend().supports(0, DType::F32) == Status::Ok);
    CHECK(cpuBackend().supports(0, DType::I32) == Status::Unsupported);
    CHECK(cpuBackend().supports(0, DType::F16) == Status::Unsupported);
}

TEST_CASE("every entry of the table is filled") {
    const BackendTable& table = cpuBackend();
    const auto* entries = reinterpret_cast<void* const*>(&table.deviceCount);
    const auto* end = reinterpret_cast<void* const*>(&table + 1);
    for (const auto* entry = entries; entry < end; ++entry) CHECK(*entry != nullptr);
}

TEST_CASE("an ordinal that is not there cannot be opened") {
    CHECK_THROWS_AS(Device(cpuBackend(), {.ordinal = 1, .threads = 1}), Error);
}

} // namespace kinora::kernels::test
