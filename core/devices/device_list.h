#pragma once
// What can compute on this machine.

#include "kernels/backend/registry.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kinora::core {

struct DeviceInfo {
    std::string device;                // how a request asks for it: "cpu"
    std::string name;                  // "Intel Xeon Platinum 8370C"
    std::vector<std::string> features; // "AVX512", "BF16" ...
    int threads = 0;                   // that compute
    uint64_t memoryBytes = 0;
    uint64_t availableBytes = 0; // that this process could take now
    std::string precision;       // what "auto" picks: "bf16" where the device is fast at it
};

// Of every back end that has numbers. threads: as asked for; 0: one per core. A device that does
// not answer is left out and logged.
std::vector<DeviceInfo> listDevices(const kernels::BackendRegistry& backends, int threads);

} // namespace kinora::core
