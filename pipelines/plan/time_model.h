#pragma once
// How long work takes on a device: a roofline with a fixed cost for each op, its rates measured on
// the device itself.
// Source: Williams, Waterman and Patterson 2009.

#include "kernels/backend/device.h"

#include <nlohmann/json_fwd.hpp>

#include <span>

namespace kinora::pipelines {

// Rates of one device in one precision. FLOP counts a multiply-add as two.
struct DeviceSpeed {
    double convolutionFlops = 0; // per second
    double matmulFlops = 0;
    double attentionFlops = 0;
    double bytesPerSecond = 0; // memory traffic of elementwise ops
    double secondsPerOp = 0;   // what the smallest op costs
};

nlohmann::json toJson(const DeviceSpeed& speed);
// Throws Error{BadFile} where a rate is missing, not finite or not positive.
DeviceSpeed deviceSpeedFromJson(const nlohmann::json& json);

// Runs a few ops of typical sizes with made-up numbers: about a tenth of a second on two cores, a
// few MiB of memory.
DeviceSpeed measureSpeed(kernels::Device& device, kernels::DType compute);

// Seconds that the work should take, each op bound by arithmetic or by memory, whichever is slower.
double predictSeconds(std::span<const kernels::WorkRecord> work, const DeviceSpeed& speed);

} // namespace kinora::pipelines
