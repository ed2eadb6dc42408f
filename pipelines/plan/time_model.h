#pragma once
// How long work takes on a device: a roofline with a fixed cost for each op, its rates measured on
// the device itself, and set right by what real work takes.
// Source: Williams, Waterman and Patterson 2009.

#include "kernels/backend/device.h"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace kinora::pipelines {

// Rates of one device in one precision. FLOP counts a multiply-add as two.
struct DeviceSpeed {
    double convolutionFlops = 0; // per second
    double winogradFlops = 0;    // of the operations that convolution's definition has
    double matmulFlops = 0;
    double attentionFlops = 0;
    double bytesPerSecond = 0; // memory traffic
    double secondsPerOp = 0;   // what an op costs that does next to nothing
    // By class: what real work took, divided by what the rates above say. 1: not known better.
    std::array<double, kernels::kWorkClasses> corrections{1, 1, 1, 1, 1};
};

nlohmann::json toJson(const DeviceSpeed& speed);
// Throws Error{BadFile} where a number is missing, not finite or not positive.
DeviceSpeed deviceSpeedFromJson(const nlohmann::json& json);

// Runs a few ops of typical sizes with made-up numbers: about a fifth of a second on two cores,
// some tens of MiB of memory.
DeviceSpeed measureSpeed(kernels::Device& device, kernels::DType compute);

// Of the work of one class.
struct ClassTime {
    int64_t ops = 0;
    double floatOperations = 0;
    double seconds = 0; // that it took; 0 where it was planned
    double predictedSeconds = 0;

    ClassTime& operator+=(const ClassTime& other);
};
using ClassTimes = std::array<ClassTime, kernels::kWorkClasses>;

// Each op bound by arithmetic or by memory, whichever is slower; a convolution by its definition by
// both, one after the other: it waits for weights and pixels where other kernels fetch them ahead.
ClassTimes timesByClass(std::span<const kernels::WorkRecord> work, const DeviceSpeed& speed);

// Seconds that the work should take.
double predictSeconds(std::span<const kernels::WorkRecord> work, const DeviceSpeed& speed);

// "convolution"
const char* workClassName(kernels::WorkClass workClass);

// The speed after work that took what `times` says, as predicted by `speed`: each class goes half
// of the way, so that one run beside other work does no lasting harm. A class that was less than a
// fiftieth of the time says nothing. Corrections stay within a factor of 16.
DeviceSpeed learnt(const DeviceSpeed& speed, const ClassTimes& times);

} // namespace kinora::pipelines
