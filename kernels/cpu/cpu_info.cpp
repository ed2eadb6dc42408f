#include "kernels/cpu/cpu_info.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <sched.h>
#include <sstream>
#include <string_view>
#include <unistd.h>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace kinora::kernels::cpu {

namespace {

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t\0\n") - first + 1));
}

std::optional<uint64_t> numberIn(const std::string& path) {
    std::ifstream file(path);
    uint64_t value = 0;
    if (file >> value) return value;
    return std::nullopt; // absent, or "max"
}

// "inactive_file" of memory.stat: cache that the kernel gives back on demand.
uint64_t reclaimable(const std::string& folder) {
    std::ifstream file(folder + "/memory.stat");
    std::string name;
    uint64_t value = 0;
    uint64_t found = 0;
    while (file >> name >> value)
        if (name == "inactive_file" || name == "total_inactive_file") found = value;
    return found;
}

struct CgroupFiles {
    const char* limit;
    const char* usage;
};

// Every group from this one up to the root may set a limit.
void applyLimits(MemoryInfo& info, const std::string& root, std::string group,
                 const CgroupFiles& files) {
    for (;;) {
        const std::string folder = root + group;
        const auto limit = numberIn(folder + "/" + files.limit);
        const auto usage = numberIn(folder + "/" + files.usage);
        if (limit && usage && *limit < info.totalBytes) {
            const uint64_t used = *usage - std::min(*usage, reclaimable(folder));
            info.totalBytes = *limit;
            info.availableBytes = std::min(info.availableBytes, *limit - std::min(*limit, used));
        }
        if (group.empty() || group == "/") return;
        group.resize(group.find_last_of('/'));
    }
}

bool isFolderName(const std::string& group) {
    return !group.empty() && group.front() == '/' && group.find("..") == std::string::npos;
}

#if defined(__x86_64__)
std::string brandString() {
    unsigned int words[12] = {};
    for (unsigned int leaf = 0; leaf < 3; ++leaf) {
        unsigned int* at = words + 4 * leaf;
        if (!__get_cpuid(0x80000002u + leaf, at, at + 1, at + 2, at + 3)) return {};
    }
    const char* text = reinterpret_cast<const char*>(words);
    return trimmed(std::string_view(text, strnlen(text, sizeof(words))));
}
#endif

} // namespace

std::string processorName() {
#if defined(__x86_64__)
    if (std::string name = brandString(); !name.empty()) return name;
#endif
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::string key = trimmed(std::string_view(line).substr(0, colon));
        if (key == "model name" || key == "Model" || key == "cpu")
            return trimmed(std::string_view(line).substr(colon + 1));
    }
    return "CPU";
}

// oneDNN's own view, which includes whether the system saves the registers.
std::string processorFeatures() {
    const auto isa = static_cast<unsigned int>(dnnl::get_effective_cpu_isa());
    const auto has = [isa](dnnl_cpu_isa_t wanted) { return (isa & wanted) == unsigned(wanted); };
    std::string features;
    const auto add = [&](bool present, const char* name) {
        if (!present) return;
        if (!features.empty()) features += ' ';
        features += name;
    };
    add(has(dnnl_cpu_isa_avx2), "AVX2");
    add(has(dnnl_cpu_isa_avx512_core), "AVX512");
    add(has(dnnl_cpu_isa_avx512_core_vnni) || has(dnnl_cpu_isa_avx2_vnni), "VNNI");
    add(has(dnnl_cpu_isa_avx512_core_bf16), "BF16");
    add(has(dnnl_cpu_isa_avx512_core_amx), "AMX");
    return features;
}

bool hasFastBf16() {
    const auto isa = static_cast<unsigned int>(dnnl::get_effective_cpu_isa());
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == unsigned(dnnl_cpu_isa_avx512_core_bf16);
}

bool hasAmx() {
    const auto isa = static_cast<unsigned int>(dnnl::get_effective_cpu_isa());
    return (isa & dnnl_cpu_isa_avx512_core_amx) == unsigned(dnnl_cpu_isa_avx512_core_amx);
}

bool canRunBf16() {
    const auto isa = static_cast<unsigned int>(dnnl::get_effective_cpu_isa());
    return (isa & dnnl_cpu_isa_avx512_core) == unsigned(dnnl_cpu_isa_avx512_core);
}

int usableCores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    int cores = sched_getaffinity(0, sizeof(set), &set) == 0
                    ? CPU_COUNT(&set)
                    : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
    std::ifstream quotaFile("/sys/fs/cgroup/cpu.max"); // "200000 100000": two cores' worth
    double quota = 0;
    double period = 0;
    if (quotaFile >> quota >> period && quota > 0 && period > 0)
        cores = std::min(cores, static_cast<int>(std::max(1.0, quota / period)));
    return std::max(cores, 1);
}

MemoryInfo memoryInfo(const std::string& procRoot, const std::string& cgroupRoot) {
    MemoryInfo info;
    std::ifstream file(procRoot + "/meminfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string name;
        uint64_t kibibytes = 0;
        if (!(fields >> name >> kibibytes)) continue;
        if (name == "MemTotal:") info.totalBytes = kibibytes << 10;
        if (name == "MemAvailable:") info.availableBytes = kibibytes << 10;
    }
    std::ifstream groups(procRoot + "/self/cgroup"); // "4:memory:/group" or "0::/group"
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (!isFolderName(group)) continue;
        if (controllers.empty())
            applyLimits(info, cgroupRoot, group, {"memory.max", "memory.current"});
        else if (controllers == "memory")
            applyLimits(info, cgroupRoot + "/memory", group,
                        {"memory.limit_in_bytes", "memory.usage_in_bytes"});
    }
    return info;
}

} // namespace kinora::kernels::cpu
