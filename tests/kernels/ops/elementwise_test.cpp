#include "kernels/ops/elementwise.h"
#include "tests/kernels/ops/refusal.h"

#include <limits>
#include <vector>

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("shapes of elementwise ops") {
    MetaDevice meta;
    CHECK(activate(meta.bf16({3, 5}), Activation::Silu).dtype() == DType::BF16);
    CHECK((geglu(meta.f32({3, 10})).shape() == Shape{3, 5}));
    CHECK((swiglu(meta.f32({0, 10})).shape() == Shape{0, 5}));
    CHECK((add(meta.f32({2, 1, 5}), meta.f32({1, 3, 5})).shape() == Shape{2, 3, 5}));
    CHECK((divide(meta.f32({1}), meta.f32({4})).shape() == Shape{4}));
    CHECK(multiply(meta.bf16({4}), meta.f32({1})).dtype() == DType::BF16);
    CHECK(subtract(meta.f32({0, 3}), meta.f32({1, 3})).elements() == 0);
    CHECK((clamp(meta.f32({3}), 1, 1).shape() == Shape{3}));
    CHECK((softmax(meta.f32({3, 5})).shape() == Shape{3, 5}));
    const Tensor x = meta.f32({2, 3});
    CHECK((linearCombination({{1, x}, {2, x}}).shape() == Shape{2, 3}));
}

TEST_CASE("elementwise ops refuse what does not fit") {
    MetaDevice meta;
    const Tensor x = meta.f32({2, 3});
    checkRefused([&] { return glu(meta.f32({2, 3}), Activation::Gelu); }, "glu", "even");
    checkRefused([&] { return glu(meta.f32({}), Activation::Gelu); }, "glu", "even");
    checkRefused([&] { return add(x, meta.f32({3})); }, "add", "as many axes");
    checkRefused([&] { return subtract(x, meta.f32({2, 4})); }, "subtract", "or be 1");
    checkRefused([&] { return multiply(x, meta.f32({0, 3})); }, "multiply", "or be 1");
    checkRefused([&] { return clamp(x, 2, 1); }, "clamp", "above the upper");
    checkRefused([&] { return clamp(x, std::numeric_limits<float>::quiet_NaN(), 1); }, "clamp",
                 "above the upper");
    checkRefused([&] { return softmax(meta.f32({})); }, "softmax", "an axis");
    checkRefused([&] { return linearCombination({{1, x}, {1, meta.f32({3, 2})}}); },
                 "linearCombination", "one shape");
    checkRefused([&] { return linearCombination({{1, meta.bf16({2})}}); }, "linearCombination",
                 "must be f32");
    checkRefused([&] { return linearCombination(std::vector<Term>(9, {1, x})); },
                 "linearCombination", "eight");
    checkRefused([&] { return linearCombination(std::vector<Term>()); }, "linearCombination",
                 "no operand");
}

TEST_CASE("broadcasting does not count past what can be counted") {
    MetaDevice meta;
    CHECK_THROWS_AS(add(meta.f32({int64_t{1} << 33, 1}), meta.f32({1, int64_t{1} << 33})), Error);
}
