#include "kernels/cpu/cpu_info.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
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

TEST_CASE("a machine that tells nothing has no memory, and at least one core") {
    CHECK(cpu::memoryInfo("/nowhere", "/nowhere").totalBytes == 0);
    CHECK(cpu::usableCores() >= 1);
    CHECK(!cpu::processorName().empty());
    CHECK((!cpu::hasFastBf16() || cpu::canRunBf16()));
}

} // namespace kinora::kernels::test
