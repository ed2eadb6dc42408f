#include "pipelines/plan/time_model.h"

#include "kernels/backend/weight.h"
#include "kernels/base/error.h"
#include "kernels/ops/attention.h"
#include "kernels/ops/conv.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/matmul.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace kinora::pipelines {

using kernels::Activation;
using kernels::Device;
using kernels::DType;
using kernels::Padding;
using kernels::Shape;
using kernels::Tensor;
using kernels::Weight;
using kernels::WeightKind;
using kernels::WorkClass;
using kernels::WorkRecord;

namespace {

constexpr struct {
    const char* name;
    double DeviceSpeed::* rate;
} kRates[] = {{"convolutionFlops", &DeviceSpeed::convolutionFlops},
              {"winogradFlops", &DeviceSpeed::winogradFlops},
              {"matmulFlops", &DeviceSpeed::matmulFlops},
              {"attentionFlops", &DeviceSpeed::attentionFlops},
              {"bytesPerSecond", &DeviceSpeed::bytesPerSecond},
              {"secondsPerOp", &DeviceSpeed::secondsPerOp}};

constexpr const char* kClassNames[] = {"convolution", "winograd", "matmul", "attention", "memory"};
static_assert(std::size(kClassNames) == kernels::kWorkClasses);
constexpr const char* kCorrections = "corrections";

double positive(const nlohmann::json& json, const char* name) {
    const auto value = json.is_object() ? json.find(name) : json.end();
    if (value == json.end() || !value->is_number() || !(value->get<double>() > 0) ||
        !std::isfinite(value->get<double>()))
        throw Error(ErrorCode::BadFile, std::string("Device speed: no usable ") + name);
    return value->get<double>();
}

Tensor filled(Device& device, const Shape& shape, DType dtype) {
    // Not zeros: some CPUs run faster on them. Not noise: a plain ramp is enough.
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(i % 251) / 251.0f - 0.5f;
    return kernels::convert(device.fromHost(values.data(), shape, DType::F32), dtype);
}

// The best of several runs, after one that warms up: noise only ever adds.
template <typename Run> double bestSeconds(const Run& run) {
    using Clock = std::chrono::steady_clock;
    constexpr int kLeast = 3;
    constexpr double kEnough = 0.02; // seconds, of short runs together
    run();
    double best = std::numeric_limits<double>::infinity(), all = 0;
    for (int i = 0; i < kLeast || all < kEnough; ++i) {
        const auto start = Clock::now();
        run();
        const double took = std::chrono::duration<double>(Clock::now() - start).count();
        best = std::min(best, took);
        all += took;
    }
    return std::max(best, 1e-9);
}

} // namespace

nlohmann::json toJson(const DeviceSpeed& speed) {
    nlohmann::json json;
    for (const auto& rate : kRates) json[rate.name] = speed.*rate.rate;
    for (size_t i = 0; i < speed.corrections.size(); ++i)
        json[kCorrections][kClassNames[i]] = speed.corrections[i];
    return json;
}

DeviceSpeed deviceSpeedFromJson(const nlohmann::json& json) {
    DeviceSpeed speed;
    for (const auto& rate : kRates) speed.*rate.rate = positive(json, rate.name);
    const auto corrections = json.find(kCorrections);
    if (corrections == json.end())
        throw Error(ErrorCode::BadFile, std::string("Device speed: no ") + kCorrections);
    for (size_t i = 0; i < speed.corrections.size(); ++i)
        speed.corrections[i] = positive(*corrections, kClassNames[i]);
    return speed;
}

namespace {

class SpeedMeasurement {
  public:
    SpeedMeasurement(Device& device, DType compute) : m_device(device), m_compute(compute) {}

    DeviceSpeed run() {
        DeviceSpeed speed;
        measureConvolutions(speed);
        speed.matmulFlops = matmulFlops();
        speed.attentionFlops = attentionFlops();
        speed.bytesPerSecond = bytesPerSecond();
        speed.secondsPerOp = secondsPerOp();
        return speed;
    }

  private:
    template <typename Run> double seconds(const Run& run) {
        return bestSeconds([&] {
            run();
            m_device.check(m_device.table().synchronize(m_device.context()), "wait");
        });
    }

    // A weight that was packed for another stride is one that Winograd's way is not for.
    void measureConvolutions(DeviceSpeed& speed) {
        constexpr int64_t kSide = 32, kChannels = 320;
        const Tensor picture = filled(m_device, {1, kSide, kSide, kChannels}, m_compute);
        const Tensor plain = filled(m_device, {kChannels, kChannels, 3, 3}, m_compute);
        const auto flops = [&](const Weight& kernel) {
            return 2.0 * kSide * kSide * kChannels * kChannels * 9 /
                   seconds([&] { conv2d(picture, kernel, {}, {.padding = Padding::same(1)}); });
        };
        const Weight kernel = Weight::pack(WeightKind::Conv2d, plain);
        speed.convolutionFlops = flops(Weight::pack(WeightKind::Conv2d, plain, 2));
        speed.winogradFlops = kernel.isForWinograd() ? flops(kernel) : speed.convolutionFlops;
    }

    double matmulFlops() {
        constexpr int64_t kRows = 512, kInputs = 640, kOutputs = 2560;
        const Tensor rows = filled(m_device, {kRows, kInputs}, m_compute);
        const Weight matrix =
            Weight::pack(WeightKind::Linear, filled(m_device, {kOutputs, kInputs}, m_compute));
        return 2.0 * kRows * kInputs * kOutputs / seconds([&] { linear(rows, matrix); });
    }

    double attentionFlops() {
        constexpr int64_t kLength = 1024, kChannels = 320;
        const Tensor sequence = filled(m_device, {1, kLength, kChannels}, m_compute);
        return 4.0 * kLength * kLength * kChannels /
               seconds([&] { attention(sequence, sequence, sequence, {.heads = 5}); });
    }

    double bytesPerSecond() {
        const Tensor large = filled(m_device, {1024, 5120}, m_compute);
        return 1.5 * static_cast<double>(large.sizeBytes()) /
               seconds([&] { glu(large, Activation::Gelu); });
    }

    // Shared out among the threads: to call them together is most of it.
    double secondsPerOp() {
        constexpr int kOps = 32;
        constexpr int64_t kRows = 128, kWidth = 160;
        const Tensor small = filled(m_device, {kRows, kWidth}, m_compute);
        const Weight matrix =
            Weight::pack(WeightKind::Linear, filled(m_device, {kWidth, kWidth}, m_compute));
        return seconds([&] {
                   for (int i = 0; i < kOps; ++i) linear(small, matrix);
               }) /
               kOps;
    }

    Device& m_device;
    DType m_compute;
};

} // namespace

DeviceSpeed measureSpeed(Device& device, DType compute) {
    return SpeedMeasurement(device, compute).run();
}

namespace {

double secondsOf(const WorkRecord& op, const DeviceSpeed& speed) {
    const double flops = [&] {
        switch (op.workClass) {
        case WorkClass::Convolution: return speed.convolutionFlops;
        case WorkClass::WinogradConvolution: return speed.winogradFlops;
        case WorkClass::Matmul: return speed.matmulFlops;
        case WorkClass::Attention: return speed.attentionFlops;
        case WorkClass::Memory: break;
        }
        return std::numeric_limits<double>::infinity(); // bound by memory alone
    }();
    const double arithmetic = op.floatOperations / flops;
    const double memory = op.trafficBytes / speed.bytesPerSecond;
    return (op.workClass == WorkClass::Convolution ? arithmetic + memory
                                                   : std::max(arithmetic, memory)) +
           speed.secondsPerOp;
}

} // namespace

ClassTime& ClassTime::operator+=(const ClassTime& other) {
    ops += other.ops;
    floatOperations += other.floatOperations;
    seconds += other.seconds;
    predictedSeconds += other.predictedSeconds;
    return *this;
}

ClassTimes timesByClass(std::span<const WorkRecord> work, const DeviceSpeed& speed) {
    ClassTimes times;
    for (const WorkRecord& op : work) {
        const auto index = static_cast<size_t>(op.workClass);
        times.at(index) +=
            {1, op.floatOperations, op.seconds, speed.corrections.at(index) * secondsOf(op, speed)};
    }
    return times;
}

double predictSeconds(std::span<const WorkRecord> work, const DeviceSpeed& speed) {
    double seconds = 0;
    for (const ClassTime& time : timesByClass(work, speed)) seconds += time.predictedSeconds;
    return seconds;
}

const char* workClassName(WorkClass workClass) {
    return kClassNames[static_cast<size_t>(workClass)];
}

DeviceSpeed learnt(const DeviceSpeed& speed, const ClassTimes& times) {
    constexpr double kTooLittle = 0.02, kMost = 16;
    double all = 0;
    for (const ClassTime& time : times) all += time.seconds;
    DeviceSpeed better = speed;
    for (size_t i = 0; i < times.size(); ++i) {
        const ClassTime& time = times[i];
        if (!(time.seconds > kTooLittle * all) || !(time.predictedSeconds > 0)) continue;
        const double half = std::sqrt(time.seconds / time.predictedSeconds);
        better.corrections[i] = std::clamp(speed.corrections[i] * half, 1 / kMost, kMost);
    }
    return better;
}

} // namespace kinora::pipelines
