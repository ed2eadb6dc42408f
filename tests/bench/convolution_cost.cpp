// What 3 x 3 convolutions cost at the sizes of SD 1.5, SDXL and their VAE: weights from memory,
// each call its own, with bias; "/2" where the stride is 2. The fastest call, and the middle one.
//
//     ninja -C build/release bench_convolution_cost
//     build/release/bin/bench_convolution_cost [threads [bf16|f32]]

#include "kernels/ops/conv.h"
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
    int64_t side, inputs, outputs; // pixels of the input
    int stride;
};

constexpr Size kSizes[] = {
    {64, 320, 320, 1},   {64, 960, 320, 1},   {64, 320, 320, 2},   {32, 640, 640, 1},
    {32, 1920, 640, 1},  {32, 640, 640, 2},   {32, 1280, 1280, 1}, {16, 1280, 1280, 1},
    {16, 2560, 1280, 1}, {16, 1280, 1280, 2}, {8, 1280, 1280, 1},  {8, 2560, 1280, 1},
    {128, 320, 320, 1},  {64, 512, 512, 1},   {256, 256, 256, 1},  {256, 128, 128, 1},
};

// More than the caches hold.
int64_t copiesOf(const Size& size) {
    constexpr int64_t kBytes = int64_t{400} << 20;
    return std::clamp<int64_t>(kBytes / (size.inputs * size.outputs * 36), 4, 12);
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
        const Tensor plain = tensor({size.outputs, size.inputs, 3, 3}, type);
        for (int64_t copy = 0; copy < copiesOf(size); ++copy)
            weights.push_back(Weight::pack(WeightKind::Conv2d, plain, size.stride));
    }
    const Tensor input = tensor({1, size.side, size.side, size.inputs}, type);
    const Tensor bias = tensor({size.outputs}, DType::F32);
    std::vector<double> seconds;
    for (int round = 0; round < 3; ++round)
        for (const Weight& weight : weights) {
            const auto start = std::chrono::steady_clock::now();
            conv2d(input, weight, bias, {.stride = size.stride, .padding = Padding::same(1)});
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
        const int64_t side = size.side / size.stride;
        const double gflop = 18e-9 * static_cast<double>(side * side * size.inputs * size.outputs);
        std::printf("%3lld^2 %4lld to %4lld%s %8.3f ms %6.0f GFLOP/s   %8.3f ms %6.0f GFLOP/s\n",
                    static_cast<long long>(size.side), static_cast<long long>(size.inputs),
                    static_cast<long long>(size.outputs), size.stride == 2 ? " /2" : "   ",
                    cost.fastest * 1e3, gflop / cost.fastest, cost.middle * 1e3,
                    gflop / cost.middle);
    }
}
