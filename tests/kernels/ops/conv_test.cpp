#include "kernels/ops/conv.h"
#include "tests/kernels/ops/refusal.h"

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("convolution gives the shape of the formula") {
    MetaDevice meta;
    const Weight weight = Weight::pack(WeightKind::Conv2d, meta.f32({6, 4, 3, 3}));
    const Tensor x = meta.f32({2, 9, 12, 4});
    const auto shapeOf = [&](const Conv2dOptions& options) {
        return conv2d(x, weight, {}, options).shape();
    };
    CHECK((shapeOf({}) == Shape{2, 7, 10, 6}));
    CHECK((shapeOf({.padding = Padding::same(1)}) == Shape{2, 9, 12, 6}));
    CHECK((shapeOf({.stride = 2, .padding = Padding::same(1)}) == Shape{2, 5, 6, 6}));
    CHECK((shapeOf({.stride = 2, .padding = {0, 0, 1, 1}}) == Shape{2, 4, 6, 6}));
    CHECK((shapeOf({.padding = Padding::same(2), .dilation = 2}) == Shape{2, 9, 12, 6}));
    CHECK((shapeOf({.padding = {3, 1, 0, 2}}) == Shape{2, 10, 13, 6}));
    CHECK((conv2d(meta.f32({0, 9, 9, 4}), weight, {}).shape() == Shape{0, 7, 7, 6}));
}

TEST_CASE("convolution counts its work") {
    MetaDevice meta;
    const Weight weight = Weight::pack(WeightKind::Conv2d, meta.f32({6, 4, 3, 3}));
    const Tensor x = meta.f32({2, 9, 12, 4});
    const WorkRecord work = workOf(meta.device, [&] {
        return conv2d(x, weight, meta.f32({6}), {.padding = Padding::same(1)});
    });
    CHECK(work.workClass == WorkClass::Convolution);
    CHECK(work.floatOperations == 2.0 * 2 * 9 * 12 * 6 * 4 * 9);
    CHECK(work.trafficBytes == 4.0 * (2 * 9 * 12 * (4 + 6) + 6 + 6 * 4 * 9));
    CHECK(work.seconds == 0); // nothing was computed
    const Weight point = Weight::pack(WeightKind::Conv2d, meta.f32({6, 4, 1, 1}));
    const auto classOf = [&](const Conv2dOptions& options) {
        return workOf(meta.device, [&] { return conv2d(x, point, {}, options); }).workClass;
    };
    CHECK(classOf({}) == WorkClass::Matmul);
    CHECK(classOf({.stride = 2, .padding = {}}) == WorkClass::Convolution);
    CHECK(classOf({.padding = Padding::same(1)}) == WorkClass::Convolution);
}

TEST_CASE("convolution refuses what does not fit") {
    MetaDevice meta;
    const Weight weight = Weight::pack(WeightKind::Conv2d, meta.f32({6, 4, 3, 3}));
    const Weight matrix = Weight::pack(WeightKind::Linear, meta.f32({6, 4}));
    const Tensor x = meta.f32({1, 9, 9, 4});
    const auto refused = [&](const std::string& reason, auto&& call) {
        checkRefused(call, "conv2d", reason);
    };
    refused("[N, H, W, C]", [&] { return conv2d(meta.f32({9, 9, 4}), weight, {}); });
    refused("[6, 4, 3, 3]", [&] { return conv2d(meta.f32({1, 9, 9, 5}), weight, {}); });
    refused("another kind", [&] { return conv2d(x, matrix, {}); });
    refused("undefined", [&] { return conv2d(x, Weight(), {}); });
    refused("computes in f32", [&] { return conv2d(meta.bf16({1, 9, 9, 4}), weight, {}); });
    refused("6 f32", [&] { return conv2d(x, weight, meta.f32({5})); });
    refused("6 f32", [&] { return conv2d(x, weight, meta.bf16({6})); });
    refused("at least 1", [&] { return conv2d(x, weight, {}, {.stride = 0, .padding = {}}); });
    refused("negative", [&] { return conv2d(x, weight, {}, {.padding = {-1, 0, 0, 0}}); });
    refused("smaller", [&] { return conv2d(meta.f32({1, 2, 9, 4}), weight, {}); });
    refused("smaller", [&] { return conv2d(x, weight, {}, {.padding = {}, .dilation = 5}); });
    refused("residual", [&] { return conv2d(x, weight, {}, {}, x); });
    refused("residual", [&] { return conv2d(x, weight, {}, {}, meta.bf16({1, 7, 7, 6})); });
    CHECK_NOTHROW(conv2d(x, weight, meta.f32({6}), {}, meta.f32({1, 7, 7, 6})));
}
