// What 3 x 3 convolutions cost at the sizes of SD 1.5, SDXL and their VAE: weights from memory,
// each call its own, with bias; "/2" where the stride is 2. The fastest call, and the middle one.
//
//     ninja -C build/release bench_convolution_cost
//     build/release/bin/bench_convolution_cost [threads [bf16|f32]]

#include "kernels/ops/conv.h"
#include "tests/bench/op_cost.h"

#include <cstdio>

namespace {

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::bench;

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

Cost costOf(Setting& setting, const Size& size) {
    std::vector<Weight> weights;
    {
        const Shape shape{size.outputs, size.inputs, 3, 3};
        const Tensor plain = setting.tensor(shape, setting.type);
        const int64_t copies = copiesOf(shape.elements() * int64_t{sizeof(float)}, 4, 12);
        for (int64_t copy = 0; copy < copies; ++copy)
            weights.push_back(Weight::pack(WeightKind::Conv2d, plain, size.stride));
    }
    const Tensor input = setting.tensor({1, size.side, size.side, size.inputs}, setting.type);
    const Tensor bias = setting.tensor({size.outputs}, DType::F32);
    return costOfCalls(weights, 3, [&](const Weight& weight) {
        conv2d(input, weight, bias, {.stride = size.stride, .padding = Padding::same(1)});
    });
}

} // namespace

int main(int argc, char** argv) {
    Setting setting(argc, argv);
    for (const Size& size : kSizes) {
        const Cost cost = costOf(setting, size);
        const int64_t side = size.side / size.stride;
        std::printf("%3lld^2 %4lld to %4lld%s", static_cast<long long>(size.side),
                    static_cast<long long>(size.inputs), static_cast<long long>(size.outputs),
                    size.stride == 2 ? " /2" : "   ");
        print(cost, 18e-9 * static_cast<double>(side * side * size.inputs * size.outputs));
    }
}
