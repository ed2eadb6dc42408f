#pragma once
// Running an op under each instruction set that this machine has, and on several thread counts:
// for what must be near the reference on all of them, and the same bytes for any thread count.

#include "kernels/backend/registry.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/arrays.h"

#include <doctest/doctest.h>
#include <hwy/highway.h>

#include <memory>
#include <string>
#include <vector>

namespace kinora::test {

inline std::unique_ptr<kernels::Device> openCpu(int threads) {
    return std::make_unique<kernels::Device>(kernels::cpuBackend(),
                                             kernels::DeviceOptions{.threads = threads});
}

// Calls body() with one instruction set after the other as the only one there is.
template <class Body> void forEveryTarget(const Body& body) {
    int tried = 0;
    for (const int64_t target : {HWY_SCALAR, HWY_SSE4, HWY_AVX2, HWY_AVX3}) {
        hwy::SetSupportedTargetsForTest(0);
        const bool fallback = target == HWY_SCALAR;
        if (!fallback && !(hwy::SupportedTargets() & target)) continue;
        hwy::SetSupportedTargetsForTest(target);
        const std::string name = hwy::TargetName(target);
        INFO("instruction set " << name);
        body();
        ++tried;
    }
    hwy::SetSupportedTargetsForTest(0);
    REQUIRE(tried >= 1);
}

// op(device) -> Tensor: within `most` of the reference under every instruction set, and the same
// bytes on 1, 2, 3 and 7 threads.
template <class Op> void checkOp(const Op& op, const Array& expected, double most) {
    forEveryTarget([&] {
        const auto one = openCpu(1);
        const kernels::Tensor result = op(*one);
        CHECK(relativeError(toArray(result), expected) <= most);
        const std::vector<uint8_t> bytes = toBytes(result);
        for (const int threads : {2, 3, 7}) {
            const auto several = openCpu(threads);
            CHECK_MESSAGE(toBytes(op(*several)) == bytes, threads << " threads");
        }
    });
}

} // namespace kinora::test
