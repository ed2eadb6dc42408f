#include "kernels/ops/layout.h"
#include "tests/kernels/ops/refusal.h"

#include <vector>

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("shapes of joining and reordering") {
    MetaDevice meta;
    CHECK((concat({meta.f32({2, 3}), meta.f32({2, 5}), meta.f32({2, 0})}).shape() == Shape{2, 8}));
    const std::vector<Tensor> rows = {meta.f32({2, 3}), meta.f32({1, 3})};
    CHECK((stack(rows).shape() == Shape{3, 3}));
    CHECK((nchwToNhwc(meta.f32({2, 3, 4, 5})).shape() == Shape{2, 4, 5, 3}));
    CHECK((nhwcToNchw(meta.f32({2, 4, 5, 3})).shape() == Shape{2, 3, 4, 5}));
    CHECK(convert(meta.device.empty({3}, DType::F8E4M3), DType::BF16).dtype() == DType::BF16);
    CHECK(clone(meta.device.empty({3}, DType::U8)).dtype() == DType::U8);
}

TEST_CASE("joining and reordering refuse what does not fit") {
    MetaDevice meta;
    const Tensor x = meta.f32({2, 3, 4});
    checkRefused([&] { return concat({x, meta.f32({2, 4, 4})}); }, "concat", "but the last");
    checkRefused([&] { return concat({x, meta.f32({3, 4})}); }, "concat", "but the last");
    checkRefused([&] { return concat({x, meta.bf16({2, 3, 4})}); }, "concat", "one dtype");
    checkRefused([&] { return concat({meta.f32({})}); }, "concat", "an axis");
    const std::vector<Tensor> wider = {x, meta.f32({1, 3, 5})}, mixed = {x, meta.bf16({1, 3, 4})};
    checkRefused([&] { return stack(wider); }, "stack", "but the first");
    checkRefused([&] { return stack(mixed); }, "stack", "one dtype");
    checkRefused([&] { return permute(x, {0, 1}); }, "permute", "every axis once");
    checkRefused([&] { return permute(x, {0, 1, 1}); }, "permute", "every axis once");
    checkRefused([&] { return permute(x, {0, 1, 3}); }, "permute", "every axis once");
    checkRefused([&] { return permute(x, {0, 1, -1}); }, "permute", "every axis once");
    checkRefused([&] { return convert(x, DType::I32); }, "convert", "f32, bf16 and f16");
}
