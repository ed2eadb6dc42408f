#include "kernels/ops/matmul.h"
#include "tests/kernels/ops/refusal.h"

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("a linear layer keeps the outer axes") {
    MetaDevice meta;
    const Weight weight = Weight::pack(WeightKind::Linear, meta.f32({7, 5}));
    CHECK((linear(meta.f32({5}), weight).shape() == Shape{7}));
    CHECK((linear(meta.f32({2, 3, 4, 5}), weight).shape() == Shape{2, 3, 4, 7}));
    CHECK((linear(meta.f32({0, 5}), weight).shape() == Shape{0, 7}));
    const WorkRecord work =
        workOf(meta.device, [&] { return linear(meta.f32({6, 5}), weight, meta.f32({7})); });
    CHECK(work.workClass == WorkClass::Matmul);
    CHECK(work.floatOperations == 2 * 6 * 5 * 7);
    CHECK(work.trafficBytes == 4 * (6 * 5 + 7 + 6 * 7 + 7 * 5));
}

TEST_CASE("a linear layer refuses what does not fit") {
    MetaDevice meta;
    const Weight weight = Weight::pack(WeightKind::Linear, meta.f32({7, 5}));
    const Weight kernel = Weight::pack(WeightKind::Conv2d, meta.f32({7, 5, 1, 1}));
    const Tensor x = meta.f32({3, 5});
    const auto refused = [&](const std::string& reason, auto&& call) {
        checkRefused(call, "linear", reason);
    };
    refused("[7, 5]", [&] { return linear(meta.f32({3, 4}), weight); });
    refused("an axis", [&] { return linear(meta.f32({}), weight); });
    refused("another kind", [&] { return linear(x, kernel); });
    refused("undefined", [&] { return linear(x, Weight()); });
    refused("computes in f32", [&] { return linear(meta.bf16({3, 5}), weight); });
    refused("7 f32", [&] { return linear(x, weight, meta.f32({1, 7})); });
    refused("residual", [&] { return linear(x, weight, {}, Activation::None, meta.f32({3, 5})); });
}

TEST_CASE("a gated linear layer has half of its weight's outputs, and all of its work") {
    MetaDevice meta;
    const Weight weight = Weight::pack(WeightKind::Linear, meta.f32({8, 5}));
    const Tensor x = meta.f32({2, 3, 5});
    CHECK((gatedLinear(x, weight, meta.f32({8}), Activation::Gelu).shape() == Shape{2, 3, 4}));
    const WorkRecord work = workOf(
        meta.device, [&] { return gatedLinear(x, weight, meta.f32({8}), Activation::Gelu); });
    CHECK(work.floatOperations == 2 * 6 * 5 * 8);
    CHECK(work.trafficBytes == 4 * (6 * 5 + 8 + 6 * 4 + 8 * 5));
    const Weight odd = Weight::pack(WeightKind::Linear, meta.f32({7, 5}));
    checkRefused([&] { return gatedLinear(x, odd, {}, Activation::Gelu); }, "gatedLinear", "even");
    checkRefused([&] { return gatedLinear(x, weight, meta.f32({4}), Activation::Gelu); },
                 "gatedLinear", "8 f32");
}

TEST_CASE("a product of two tensors") {
    MetaDevice meta;
    const Tensor a = meta.f32({2, 3, 5});
    CHECK((matmul(a, meta.f32({2, 5, 7})).shape() == Shape{2, 3, 7}));
    CHECK((matmul(a, meta.f32({2, 7, 5}), Transpose::Yes).shape() == Shape{2, 3, 7}));
    CHECK(workOf(meta.device, [&] { return matmul(a, meta.f32({2, 5, 7})); }).floatOperations ==
          2 * 2 * 3 * 5 * 7);
    const auto refused = [&](const std::string& reason, auto&& call) {
        checkRefused(call, "matmul", reason);
    };
    refused("inner", [&] { return matmul(a, meta.f32({2, 7, 5})); });
    refused("inner", [&] { return matmul(meta.f32({2, 3, 0}), meta.f32({2, 0, 3})); });
    refused("batches", [&] { return matmul(a, meta.f32({1, 5, 7})); });
    refused("three axes", [&] { return matmul(a, meta.f32({5, 7})); });
    refused("one dtype", [&] { return matmul(a, meta.bf16({2, 5, 7})); });
}
