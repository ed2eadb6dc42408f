#include "kernels/ops/norm.h"
#include "tests/kernels/ops/refusal.h"

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("norms keep shape and dtype") {
    MetaDevice meta;
    const Tensor x = meta.bf16({2, 5, 7, 12}), scale = meta.f32({12});
    CHECK((groupNormSilu(x, scale, scale, 4, 1e-5f).shape() == x.shape()));
    CHECK(groupNorm(x, {}, {}, 4, 1e-5f).dtype() == DType::BF16);
    CHECK((layerNorm(x, scale, {}, 1e-5f).shape() == x.shape()));
    CHECK((rmsNorm(x, scale, 0).shape() == x.shape()));
    CHECK(groupNorm(meta.f32({0, 3, 12}), {}, {}, 4, 1e-5f).elements() == 0);
    CHECK(workOf(meta.device, [&] { return layerNorm(x, scale, scale, 1e-5f); }).trafficBytes ==
          2.0 * static_cast<double>(x.sizeBytes()) + 96);
    CHECK(workOf(meta.device, [&] { return groupNorm(x, scale, scale, 4, 1e-5f); }).trafficBytes ==
          3.0 * static_cast<double>(x.sizeBytes()) + 96); // read twice
}

TEST_CASE("norms refuse what does not fit") {
    MetaDevice meta;
    const Tensor x = meta.f32({2, 5, 12});
    checkRefused([&] { return groupNorm(x, {}, {}, 5, 1e-5f); }, "groupNorm", "groups");
    checkRefused([&] { return groupNorm(x, {}, {}, 0, 1e-5f); }, "groupNorm", "groups");
    checkRefused([&] { return groupNorm(meta.f32({12}), {}, {}, 4, 1e-5f); }, "groupNorm",
                 "[N, ..., C]");
    checkRefused([&] { return groupNorm(x, meta.f32({11}), {}, 4, 1e-5f); }, "groupNorm",
                 "12 f32 was expected, not [11] f32");
    checkRefused([&] { return groupNorm(x, {}, meta.bf16({12}), 4, 1e-5f); }, "groupNorm",
                 "not [12] bf16");
    checkRefused([&] { return layerNorm(x, {}, {}, -1); }, "layerNorm", "epsilon");
    checkRefused([&] { return layerNorm(meta.f32({3, 0}), {}, {}, 1e-5f); }, "layerNorm",
                 "a channel");
    checkRefused([&] { return rmsNorm(meta.f32({}), {}, 1e-5f); }, "rmsNorm", "an axis");
    checkRefused([&] { return rmsNorm(x, meta.f32({1, 12}), 1e-5f); }, "rmsNorm", "12 f32");
}
