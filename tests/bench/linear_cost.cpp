// What linear layers cost at the sizes of SD 1.5, SDXL and their text encoders: weights
// from memory, each call its own, with bias; "+" where a residual is added. The fastest call, and
// the middle one.
//
//     ninja -C build/release bench_linear_cost && build/release/bin/bench_linear_cost [threads
//     [bf16|f32]]

#include "kernels/ops/matmul.h"
#include "tests/kernels/cpu/cpu_fixture.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::kernels::test;

struct Size {
    int64_t rows, inputs, outputs;
    bool residual;
};

constexpr Size kSizes[] = {
    {4096, 320, 320, true},     {4096, 320, 2560, false},  {4096, 1280, 320, true},
    {1024, 640, 640, true},     {1024, 640, 5120, false},  {1024, 2560, 640, true},
    {256, 1280, 1280, true},    {256, 1280, 10240, false}, {256, 5120, 1280, true},
    {4096, 640, 640, false},    {4096, 640, 640, true},    {4096, 640, 5120, false},
    {4096, 2560, 640, true},    {1024, 1280, 1280, false}, {1024, 1280, 1280, true},
    {1024, 1280, 10240, false}, {1024, 5120, 1280, true},  {77, 768, 768, false},
    {77, 768, 3072, false},     {77, 3072, 768, true},     {77, 2048, 1280, false},
};

// More than the caches hold.
int64_t copiesOf(const Size& size) {
    constexpr int64_t kBytes = int64_t{400} << 20;
    return std::clamp<int64_t>(kBytes / (size.inputs * size.outputs * 2), 3, 40);
}

struct Cost {
    double fastest, middle; // seconds
};

Cost costOf(CpuFixture& cpu, const Size& size, DType type) {
    const auto tensor = [&](const Shape& shape, DType dtype) {
        std::vector<float> values = randomValues(shape.elements(), 1);
        return makeTensor(cpu.device, shape, dtype, values);
    };
    std::vector<Weight> weights;
    {
        const Tensor plain = tensor({size.outputs, size.inputs}, type);
        for (int64_t copy = 0; copy < copiesOf(size); ++copy)
            weights.push_back(Weight::pack(WeightKind::Linear, plain));
    }
    const Tensor input = tensor({size.rows, size.inputs}, type);
    const Tensor bias = tensor({size.outputs}, DType::F32);
    const Tensor residual = size.residual ? tensor({size.rows, size.outputs}, type) : Tensor();
    std::vector<double> seconds;
    for (int round = 0; round < 2; ++round)
        for (const Weight& weight : weights) {
            const auto start = std::chrono::steady_clock::now();
            linear(input, weight, bias, Activation::None, residual);
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
            seconds.push_back(took.count());
        }
    std::ranges::sort(seconds);
    return {seconds.front(), seconds[seconds.size() / 2]};
}

} // namespace

int main(int argc, char** argv) {
    CpuFixture cpu(argc > 1 ? std::atoi(argv[1]) : 1);
    const DType type = argc > 2 && std::string_view(argv[2]) == "f32" ? DType::F32 : DType::BF16;
    for (const Size& size : kSizes) {
        const Cost cost = costOf(cpu, size, type);
        const double gflop = 2e-9 * static_cast<double>(size.rows * size.inputs * size.outputs);
        std::printf("%4lld x %4lld x %5lld%s %8.3f ms %6.0f GFLOP/s   %8.3f ms %6.0f GFLOP/s\n",
                    static_cast<long long>(size.rows), static_cast<long long>(size.inputs),
                    static_cast<long long>(size.outputs), size.residual ? " +" : "  ",
                    cost.fastest * 1e3, gflop / cost.fastest, cost.middle * 1e3,
                    gflop / cost.middle);
    }
}
