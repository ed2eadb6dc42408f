#pragma once
// What a call of an op with a weight costs, where weights come from memory: each call has a copy of
// its own.

#include "kernels/backend/weight.h"
#include "tests/kernels/cpu/cpu_fixture.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace kinora::bench {

// The command line: [threads [bf16|f32]]
struct Setting {
    kernels::test::CpuFixture cpu;
    kernels::DType type;

    Setting(int argc, char** argv)
        : cpu(argc > 1 ? std::atoi(argv[1]) : 1),
          type(argc > 2 && std::string_view(argv[2]) == "f32" ? kernels::DType::F32
                                                              : kernels::DType::BF16) {}

    kernels::Tensor tensor(const kernels::Shape& shape, kernels::DType dtype) {
        std::vector<float> values = kernels::test::randomValues(shape.elements(), 1);
        return kernels::test::makeTensor(cpu.device, shape, dtype, values);
    }
};

// How many weights of so many bytes are more than the caches hold.
inline int64_t copiesOf(int64_t weightBytes, int64_t least, int64_t most) {
    constexpr int64_t kBytes = int64_t{400} << 20;
    return std::clamp(kBytes / weightBytes, least, most);
}

struct Cost {
    double fastest, middle; // seconds
};

// Of call(weight) with each of the weights, in so many rounds.
template <typename Call>
Cost costOfCalls(const std::vector<kernels::Weight>& weights, int rounds, const Call& call) {
    std::vector<double> seconds;
    for (int round = 0; round < rounds; ++round)
        for (const kernels::Weight& weight : weights) {
            const auto start = std::chrono::steady_clock::now();
            call(weight);
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
            seconds.push_back(took.count());
        }
    std::ranges::sort(seconds);
    return {seconds.front(), seconds[seconds.size() / 2]};
}

// The end of a line.
inline void print(const Cost& cost, double gflop) {
    std::printf(" %8.3f ms %6.0f GFLOP/s   %8.3f ms %6.0f GFLOP/s\n", cost.fastest * 1e3,
                gflop / cost.fastest, cost.middle * 1e3, gflop / cost.middle);
}

} // namespace kinora::bench
