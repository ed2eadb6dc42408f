#include "kernels/cpu/cpu_info.h"
#include "kernels/cpu/host_memory.h"
#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string_view>
#include <unistd.h>

namespace kinora::kernels::test {

namespace {

// A folder that stands for /proc and /sys/fs/cgroup, gone with its owner.
struct FakeSystem {
    FakeSystem()
        : root(std::filesystem::temp_directory_path() /
               ("kinora_cpu_info_" + std::to_string(getpid()))) {
        write("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:   8192 kB\n");
    }
    ~FakeSystem() { std::filesystem::remove_all(root); }

    void write(const std::string& path, std::string_view text) const {
        std::filesystem::create_directories((root / path).parent_path());
        std::ofstream(root / path) << text;
    }
    cpu::MemoryInfo memory() const {
        return cpu::memoryInfo((root / "proc").string(), (root / "cgroup").string());
    }

    std::filesystem::path root;
};

constexpr uint64_t kMiB = 1 << 20;

} // namespace

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

TEST_CASE("memory is what meminfo says where no container sets a limit") {
    const FakeSystem system;
    CHECK(system.memory().totalBytes == 16 * kMiB);
    CHECK(system.memory().availableBytes == 8 * kMiB);
}

TEST_CASE("a container's limit and use bound the memory, without the cache it can drop") {
    const FakeSystem system;
    system.write("proc/self/cgroup", "0::/user/job\n");
    system.write("cgroup/user/job/memory.max", "max\n");
    system.write("cgroup/user/memory.max", "6291456\n");
    system.write("cgroup/user/memory.current", "4194304\n");
    system.write("cgroup/user/memory.stat", "anon 5\ninactive_file 1048576\n");
    CHECK(system.memory().totalBytes == 6 * kMiB);
    CHECK(system.memory().availableBytes == 3 * kMiB);
}

TEST_CASE("the older kind of container is understood, and an absurd limit ignored") {
    const FakeSystem system;
    system.write("proc/self/cgroup", "9:name=systemd:/x\n4:memory:/job\n");
    system.write("cgroup/memory/job/memory.limit_in_bytes", "4194304\n");
    system.write("cgroup/memory/job/memory.usage_in_bytes", "8388608\n");
    system.write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    system.write("cgroup/memory/memory.usage_in_bytes", "1\n");
    CHECK(system.memory().totalBytes == 4 * kMiB);
    CHECK(system.memory().availableBytes == 0);
}

TEST_CASE("host memory is aligned, writable to its last byte, and refused when absurd") {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{4096}, size_t{256} << 10,
                              (size_t{3} << 20) + 5}) {
        const cpu::HostBlock block(size);
        CHECK(reinterpret_cast<uintptr_t>(block.data()) % 64 == 0);
        if (size) std::memset(block.data(), 0x5a, size);
    }
    CHECK(cpu::allocateHost(SIZE_MAX) == nullptr);
    CHECK(cpu::allocateHost(size_t{1} << 60) == nullptr);
    CHECK_THROWS_AS(cpu::HostBlock(size_t{1} << 60), std::bad_alloc);
}

TEST_CASE("an ordinal that is not there cannot be opened") {
    CHECK_THROWS_AS(Device(cpuBackend(), {.ordinal = 1, .threads = 1}), Error);
}

} // namespace kinora::kernels::test
