// What linear layers cost at the sizes of SD 1.5, SDXL and their text encoders: weights
// from memory, each call its own, with bias; "+" where a residual is added. The fastest call, and
// the middle one.
//
//     ninja -C build/release bench_linear_cost && build/release/bin/bench_linear_cost [threads
//     [bf16|f32]]

#include "kernels/ops/matmul.h"
#include "tests/bench/op_cost.h"

#include <cstdio>

namespace {

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::bench;

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

Cost costOf(Setting& setting, const Size& size) {
    std::vector<Weight> weights;
    {
        const Shape shape{size.outputs, size.inputs};
        const Tensor plain = setting.tensor(shape, setting.type);
        const int64_t copies = copiesOf(shape.elements() * int64_t{sizeof(uint16_t)}, 3, 40);
        for (int64_t copy = 0; copy < copies; ++copy)
            weights.push_back(Weight::pack(WeightKind::Linear, plain));
    }
    const Tensor input = setting.tensor({size.rows, size.inputs}, setting.type);
    const Tensor bias = setting.tensor({size.outputs}, DType::F32);
    const Tensor residual =
        size.residual ? setting.tensor({size.rows, size.outputs}, setting.type) : Tensor();
    return costOfCalls(weights, 2, [&](const Weight& weight) {
        linear(input, weight, bias, Activation::None, residual);
    });
}

} // namespace

int main(int argc, char** argv) {
    Setting setting(argc, argv);
    for (const Size& size : kSizes) {
        const Cost cost = costOf(setting, size);
        std::printf("%4lld x %4lld x %5lld%s", static_cast<long long>(size.rows),
                    static_cast<long long>(size.inputs), static_cast<long long>(size.outputs),
                    size.residual ? " +" : "  ");
        print(cost, 2e-9 * static_cast<double>(size.rows * size.inputs * size.outputs));
    }
}
