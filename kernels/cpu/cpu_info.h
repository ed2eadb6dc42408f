#pragma once
// What this machine is: its processor, how many cores and how much memory this process may use.
// Limits of containers (cgroups 1 and 2) are honoured.

#include <cstdint>
#include <string>

namespace kinora::kernels::cpu {

struct MemoryInfo {
    uint64_t totalBytes = 0;
    uint64_t availableBytes = 0;
};

std::string processorName();     // "Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz"
std::string processorFeatures(); // "AVX2 AVX512 VNNI BF16 AMX"; empty where it has none of them
bool hasFastBf16();              // multiplies bf16 in hardware
bool hasAmx();                   // multiplies tiles of bf16
bool canRunBf16();               // oneDNN has kernels for it, fast or not
int usableCores();               // by affinity and by the quota of the container

// procRoot and cgroupRoot are "/proc" and "/sys/fs/cgroup" but for tests. Without a readable
// meminfo both numbers are 0.
MemoryInfo memoryInfo(const std::string& procRoot = "/proc",
                      const std::string& cgroupRoot = "/sys/fs/cgroup");

} // namespace kinora::kernels::cpu
