#include "kernels/meta/meta_backend.h"
#include "kernels/ops/attention.h"
#include "kernels/ops/conv.h"
#include "kernels/ops/matmul.h"
#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

namespace kinora::kernels::test {

namespace {

struct Memory {
    std::vector<size_t> peaks; // of the arena, after each op
    size_t weightBytes;
    bool operator==(const Memory&) const = default;
};

// The ops that take memory besides their tensors, at sizes that need padding.
Memory memoryOf(const BackendTable& table, DType dtype, int threads) {
    Device device(table, {.threads = threads});
    const auto zeros = [&](const Shape& shape) {
        const std::vector<float> values(static_cast<size_t>(shape.elements()));
        return device.fromHost(values.data(), shape, dtype); // as many bytes at the least
    };
    const Tensor picture = zeros({1, 33, 35, 20});
    const Tensor rows = zeros({300, 52});
    const Tensor batches = zeros({3, 70, 52});
    const Tensor queries = zeros({2, 300, 80});
    const Tensor keys = zeros({2, 77, 80});
    const Weight kernel = Weight::pack(WeightKind::Conv2d, zeros({36, 20, 3, 3}));
    const Weight strided = Weight::pack(WeightKind::Conv2d, zeros({36, 20, 3, 3}), 2);
    const Tensor wide = zeros({1, 33, 35, 64});
    const Weight winograd = Weight::pack(WeightKind::Conv2d, zeros({96, 64, 3, 3}));
    const Weight matrix = Weight::pack(WeightKind::Linear, zeros({36, 52}));
    Memory memory{{}, device.weightBytes()};
    const auto note = [&](const Tensor&) {
        memory.peaks.push_back(device.arena().stats().peakUsedBytes);
        device.arena().resetPeaks();
    };
    note(picture);
    note(conv2d(picture, kernel, {}, {.padding = Padding::same(1)}));
    note(conv2d(picture, strided, {}, {.stride = 2, .padding = Padding::same(1)}));
    note(conv2d(wide, winograd, {}, {.padding = Padding::same(1)}));
    note(linear(rows, matrix));
    note(linear(rows, matrix, {}, Activation::Gelu));
    note(matmul(batches, batches, Transpose::Yes, 0.5f));
    note(attention(queries, queries, queries, {.heads = 2}));
    note(attention(queries, keys, keys, {.heads = 5}));
    return memory;
}

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

TEST_CASE("a plan takes the memory that the ops take, on any number of threads") {
    const BackendTable plan = cpuPlanBackend(metaBackend());
    for (const DType dtype : {DType::F32, DType::BF16}) {
        if (cpuBackend().supports(0, dtype) != Status::Ok) continue;
        for (const int threads : {1, 2, 5}) {
            CAPTURE(dtypeName(dtype));
            CAPTURE(threads);
            const Memory planned = memoryOf(plan, dtype, threads);
            CHECK(planned == memoryOf(cpuBackend(), dtype, threads));
            CHECK(planned != memoryOf(metaBackend(), dtype, threads)); // which knows no scratch
        }
    }
}

TEST_CASE("an ordinal that is not there cannot be opened") {
    CHECK_THROWS_AS(Device(cpuBackend(), {.ordinal = 1, .threads = 1}), Error);
}

} // namespace kinora::kernels::test
