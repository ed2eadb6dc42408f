#include "kernels/ops/reduce.h"
#include "tests/kernels/ops/refusal.h"

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("reductions give one value, or one for each item") {
    MetaDevice meta;
    CHECK(allFinite(meta.bf16({3, 5})));
    CHECK((standardDeviation(meta.f32({3, 5, 7})).shape() == Shape{3}));
    CHECK((standardDeviation(meta.f32({0, 5})).shape() == Shape{0}));
}

TEST_CASE("standard deviations refuse what does not fit") {
    MetaDevice meta;
    checkRefused([&] { return standardDeviation(meta.bf16({3, 5})); }, "standardDeviation", "f32");
    checkRefused([&] { return standardDeviation(meta.f32({})); }, "standardDeviation", "[N, ...]");
    checkRefused([&] { return standardDeviation(meta.f32({3, 1})); }, "standardDeviation",
                 "two values");
    checkRefused([&] { return standardDeviation(meta.f32({3, 0})); }, "standardDeviation",
                 "two values");
}
