#include "kernels/ops/resample.h"
#include "tests/kernels/ops/refusal.h"

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("shapes of resizing") {
    MetaDevice meta;
    CHECK((resizeNearest(meta.f32({2, 3, 5, 7}), 6, 4).shape() == Shape{2, 6, 4, 7}));
    CHECK((averagePool2x2(meta.bf16({2, 5, 4, 7})).shape() == Shape{2, 2, 2, 7}));
    CHECK(averagePool2x2(meta.f32({2, 1, 4, 7})).elements() == 0);
}

TEST_CASE("resizing refuses what does not fit") {
    MetaDevice meta;
    const Tensor x = meta.f32({2, 3, 5, 7});
    checkRefused([&] { return resizeNearest(x, 0, 4); }, "resizeNearest", "1x1");
    checkRefused([&] { return resizeNearest(x, 4, -1); }, "resizeNearest", "1x1");
    checkRefused([&] { return resizeNearest(meta.f32({2, 0, 5, 7}), 4, 4); }, "resizeNearest",
                 "a pixel");
    checkRefused([&] { return resizeNearest(meta.f32({3, 5, 7}), 4, 4); }, "resizeNearest",
                 "[N, H, W, C]");
    checkRefused([&] { return averagePool2x2(meta.f32({3, 5, 7})); }, "averagePool2x2",
                 "[N, H, W, C]");
}
