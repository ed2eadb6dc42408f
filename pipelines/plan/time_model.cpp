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
#include <limits>
#include <string>
#include <vector>

namespace kinora::pipelines {

using kernels::Device;
using kernels::DType;
using kernels::Shape;
using kernels::Tensor;
using kernels::WorkClass;
using kernels::WorkRecord;

namespace {

constexpr struct {
    const char* name;
    double DeviceSpeed::* rate;
} kRates[] = {{"convolutionFlops", &DeviceSpeed::convolutionFlops},
              {"matmulFlops", &DeviceSpeed::matmulFlops},
              {"attentionFlops", &DeviceSpeed::attentionFlops},
              {"bytesPerSecond", &DeviceSpeed::bytesPerSecond},
              {"secondsPerOp", &DeviceSpeed::secondsPerOp}};

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
    run();
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 4; ++i) {
        const auto start = Clock::now();
        run();
        best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return std::max(best, 1e-9);
}

} // namespace

nlohmann::json toJson(const DeviceSpeed& speed) {
    nlohmann::json json;
    for (const auto& rate : kRates) json[rate.name] = speed.*rate.rate;
    return json;
}

DeviceSpeed deviceSpeedFromJson(const nlohmann::json& json) {
    DeviceSpeed speed;
    for (const auto& rate : kRates) {
        const auto value = json.is_object() ? json.find(rate.name) : json.end();
        if (value == json.end() || !value->is_number() || !(value->get<double>() > 0) ||
            !std::isfinite(value->get<double>()))
            throw Error(ErrorCode::BadFile, std::string("Device speed: no usable ") + rate.name);
        speed.*rate.rate = value->get<double>();
    }
    return speed;
}

DeviceSpeed measureSpeed(Device& device, DType compute) {
    const auto synchronize = [&] {
        device.check(device.table().synchronize(device.context()), "wait");
    };
    DeviceSpeed speed;

    const Tensor picture = filled(device, Shape{2, 32, 32, 160}, compute);
    const auto kernel = kernels::Weight::pack(kernels::WeightKind::Conv2d,
                                              filled(device, Shape{160, 160, 3, 3}, compute));
    speed.convolutionFlops =
        2.0 * 2 * 32 * 32 * 160 * 160 * 9 / bestSeconds([&] {
            kernels::conv2d(picture, kernel, {}, {.padding = kernels::Padding::same(1)});
            synchronize();
        });

    const Tensor rows = filled(device, Shape{1024, 320}, compute);
    const auto matrix = kernels::Weight::pack(kernels::WeightKind::Linear,
                                              filled(device, Shape{320, 320}, compute));
    speed.matmulFlops = 2.0 * 1024 * 320 * 320 / bestSeconds([&] {
                            kernels::linear(rows, matrix);
                            synchronize();
                        });

    const Tensor sequence = filled(device, Shape{2, 512, 320}, compute);
    speed.attentionFlops = 4.0 * 2 * 512 * 512 * 320 / bestSeconds([&] {
                               kernels::attention(sequence, sequence, sequence, {.heads = 5});
                               synchronize();
                           });

    const Tensor large = filled(device, Shape{4 << 20}, compute);
    speed.bytesPerSecond = 2.0 * static_cast<double>(large.sizeBytes()) / bestSeconds([&] {
                               kernels::activate(large, kernels::Activation::Relu);
                               synchronize();
                           });

    const Tensor small = filled(device, Shape{2, 64}, compute);
    constexpr int kOps = 32;
    speed.secondsPerOp = bestSeconds([&] {
                             for (int i = 0; i < kOps; ++i)
                                 kernels::activate(small, kernels::Activation::Relu);
                             synchronize();
                         }) /
                         kOps;
    return speed;
}

double predictSeconds(std::span<const WorkRecord> work, const DeviceSpeed& speed) {
    double seconds = 0;
    for (const WorkRecord& op : work) {
        const double flops = op.workClass == WorkClass::Convolution ? speed.convolutionFlops
                             : op.workClass == WorkClass::Attention ? speed.attentionFlops
                                                                    : speed.matmulFlops;
        const double arithmetic =
            op.workClass == WorkClass::Memory ? 0.0 : op.floatOperations / flops;
        seconds +=
            std::max(arithmetic, op.trafficBytes / speed.bytesPerSecond) + speed.secondsPerOp;
    }
    return seconds;
}

} // namespace kinora::pipelines
