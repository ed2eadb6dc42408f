// What attention costs at the sizes of SD 1.5 and SDXL, beside what the processor could do.
//
//     ninja -C build/release bench_attention_cost && build/release/bin/bench_attention_cost
//     [threads]

#include "tests/kernels/cpu/cpu_fixture.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::kernels::test;

struct Size {
    const char* name;
    int64_t queries, keys, heads, headSize;
};

constexpr Size kSizes[] = {
    {"SD 1.5, 64 x 64", 4096, 4096, 8, 40}, {"SD 1.5, 64 x 64, text", 4096, 77, 8, 40},
    {"SD 1.5, 32 x 32", 1024, 1024, 8, 80}, {"SDXL, 64 x 64", 4096, 4096, 10, 64},
    {"SDXL, 32 x 32", 1024, 1024, 20, 64},  {"VAE, 64 x 64", 4096, 4096, 1, 512},
};

double fastestSeconds(CpuFixture& cpu, const Size& size, DType dtype) {
    const int64_t width = size.heads * size.headSize;
    const auto tensor = [&](int64_t length, uint64_t seed) {
        std::vector<float> values = randomValues(length * width, seed);
        return makeTensor(cpu.device, {1, length, width}, dtype, values);
    };
    const Tensor query = tensor(size.queries, 1);
    const Tensor key = tensor(size.keys, 2);
    const Tensor value = tensor(size.keys, 3);
    const Tensor output = cpu.device.empty({1, size.queries, width}, dtype);
    AttentionArgs args{};
    args.query = ref(query);
    args.key = ref(key);
    args.value = ref(value);
    args.output = ref(output);
    args.heads = static_cast<int32_t>(size.heads);
    args.scale = 0.125f;
    double fastest = 1e9;
    for (int round = 0; round < 7; ++round) {
        const auto start = std::chrono::steady_clock::now();
        cpu.device.check(cpu.table().attention(cpu.context(), &args), "attention");
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        fastest = std::min(fastest, took.count());
    }
    return fastest;
}

} // namespace

int main(int argc, char** argv) {
    CpuFixture cpu(argc > 1 ? std::atoi(argv[1]) : 1);
    std::printf("%-24s %12s %12s %12s %12s\n", "", "f32 ms", "GFLOP/s", "bf16 ms", "GFLOP/s");
    for (const Size& size : kSizes) {
        const double gflop =
            4e-9 * static_cast<double>(size.queries * size.keys * size.heads * size.headSize);
        std::printf("%-24s", size.name);
        for (const DType dtype : {DType::F32, DType::BF16}) {
            const double seconds = fastestSeconds(cpu, size, dtype);
            std::printf(" %12.2f %12.0f", seconds * 1e3, gflop / seconds);
        }
        std::printf("\n");
    }
}
