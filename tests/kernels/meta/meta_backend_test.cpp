#include "kernels/backend/registry.h"
#include "kernels/backend/weight.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/norm.h"
#include "kernels/ops/reduce.h"
#include "kernels/ops/resample.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace kinora::kernels;

namespace {

// Something like a block of a denoiser, without the ops that keep scratch of their own.
Tensor block(Device& device, const Tensor& x) {
    const Tensor hidden = groupNormSilu(x, {}, {}, 8, 1e-5f);
    const Tensor wide = concat({hidden, x});
    const Tensor gated = geglu(layerNorm(wide, {}, {}, 1e-5f));
    const Tensor small = averagePool2x2(gated);
    const Tensor grown = resizeNearest(small, gated.dim(1), gated.dim(2));
    const Tensor sum = add(multiply(grown, gated), x);
    const Tensor planes = nchwToNhwc(nhwcToNchw(sum));
    const Tensor times = timestepEmbedding(device, std::vector<float>{3}, 32);
    return convert(convert(softmax(add(planes, times.reshape({1, 1, 1, 32}))), DType::BF16),
                   DType::F32);
}

struct Peaks {
    size_t used, reserved;
    Shape shape;
    bool operator==(const Peaks&) const = default;
};

Peaks peaksOf(const BackendTable& table, const Shape& shape) {
    Device device(table, {.threads = 2});
    const std::vector<float> zeros(static_cast<size_t>(shape.elements()));
    Tensor x = device.fromHost(zeros.data(), shape, DType::F32);
    for (int step = 0; step < 3; ++step) x = block(device, x);
    allFinite(x);
    const ArenaStats& stats = device.arena().stats();
    return {stats.peakUsedBytes, stats.peakReservedBytes, x.shape()};
}

} // namespace

TEST_CASE("the meta back end has every entry, opens, and has no numbers") {
    const BackendTable& table = metaBackend();
    const auto* entries = reinterpret_cast<void* const*>(&table.deviceCount);
    const auto* end = reinterpret_cast<void* const*>(&table + 1);
    for (const auto* entry = entries; entry < end; ++entry) CHECK(*entry != nullptr);
    BackendRegistry backends;
    backends.add(table);
    const auto device = backends.open("meta");
    CHECK_FALSE(device->hasNumbers());
    for (const DType dtype : {DType::F32, DType::BF16, DType::F16}) CHECK(device->supports(dtype));
    DeviceDescription description;
    CHECK(table.describe(0, &description) == Status::Ok);
    CHECK(description.name[0] != 0);
}

TEST_CASE("tensors of petabytes cost nothing, and have addresses of their own") {
    Device device(metaBackend(), {.threads = 1});
    std::set<void*> addresses;
    std::vector<Tensor> tensors;
    for (int i = 0; i < 10; ++i) {
        tensors.push_back(device.empty({int64_t{1} << 40}, DType::F32));
        CHECK(tensors.back().data() != nullptr);
        addresses.insert(tensors.back().data());
    }
    CHECK(addresses.size() == 10);
    CHECK(device.arena().stats().usedBytes == size_t{10} << 42);
}

TEST_CASE("reading gives zeros, and everything is finite") {
    Device device(metaBackend(), {.threads = 1});
    const std::vector<float> ones(5, 1.0f);
    const Tensor x = device.fromHost(ones.data(), {5}, DType::F32);
    CHECK(device.toHost<float>(x) == std::vector<float>(5, 0.0f));
    CHECK(allFinite(x));
}

TEST_CASE("a packed weight is as large as its values") {
    Device device(metaBackend(), {.threads = 1});
    const Weight weight =
        Weight::pack(WeightKind::Conv2d, device.empty({64, 32, 3, 3}, DType::BF16));
    CHECK(weight.sizeBytes() == 64 * 32 * 9 * 2);
}

TEST_CASE("its arena peaks are the CPU's for the same ops") {
    for (const Shape& shape :
         {Shape{1, 7, 9, 32}, Shape{2, 16, 16, 32}, Shape{2, 64, 64, 32}, Shape{1, 123, 211, 32}})
        CHECK(peaksOf(metaBackend(), shape) == peaksOf(kinora::kernels::cpuBackend(), shape));
}
