#include "kernels/ops/attention.h"
#include "tests/kernels/ops/refusal.h"

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("attention is shaped as the query, and counts both products") {
    MetaDevice meta;
    const Tensor query = meta.f32({2, 9, 24}), key = meta.f32({2, 5, 24});
    CHECK((attention(query, key, key, {.heads = 3}).shape() == Shape{2, 9, 24}));
    const WorkRecord work =
        workOf(meta.device, [&] { return attention(query, key, key, {.heads = 3}); });
    CHECK(work.workClass == WorkClass::Attention);
    CHECK(work.floatOperations == 4.0 * 2 * 9 * 5 * 24);
    CHECK(attention(meta.f32({0, 9, 24}), meta.f32({0, 5, 24}), meta.f32({0, 5, 24}), {.heads = 3})
              .elements() == 0);
    for (const Shape& mask : {Shape{2, 9, 5}, Shape{1, 9, 5}, Shape{2, 1, 5}, Shape{1, 1, 5}})
        CHECK_NOTHROW(attention(query, key, key, {.heads = 3}, meta.f32(mask)));
}

TEST_CASE("the default scale is one over the root of the head size") {
    static float seen = 0;
    BackendTable table = metaBackend();
    table.attention = [](Context*, const AttentionArgs* args) {
        seen = args->scale;
        return Status::Ok;
    };
    Device device(table, {.threads = 1});
    const Tensor x = device.empty({1, 4, 32}, DType::F32);
    attention(x, x, x, {.heads = 2});
    CHECK(seen == 0.25f);
    attention(x, x, x, {.heads = 2, .scale = 3});
    CHECK(seen == 3);
}

TEST_CASE("attention refuses what does not fit") {
    MetaDevice meta;
    const Tensor query = meta.f32({2, 9, 24}), key = meta.f32({2, 5, 24});
    const auto refused = [&](const std::string& reason, auto&& call) {
        checkRefused(call, "attention", reason);
    };
    const AttentionOptions three{.heads = 3};
    refused("multiple of the heads", [&] { return attention(query, key, key, {.heads = 5}); });
    refused("multiple of the heads", [&] { return attention(query, key, key, {.heads = 0}); });
    refused("one dtype", [&] { return attention(query, key, meta.bf16({2, 5, 24}), three); });
    refused("one shape", [&] { return attention(query, key, meta.f32({2, 6, 24}), three); });
    refused("agree in batch",
            [&] { return attention(query, meta.f32({1, 5, 24}), meta.f32({1, 5, 24}), three); });
    refused("agree in batch",
            [&] { return attention(query, meta.f32({2, 5, 12}), meta.f32({2, 5, 12}), three); });
    refused("a key",
            [&] { return attention(query, meta.f32({2, 0, 24}), meta.f32({2, 0, 24}), three); });
    refused("[N, L, channels]", [&] { return attention(meta.f32({9, 24}), key, key, three); });
    for (const Shape& mask : {Shape{2, 9, 6}, Shape{3, 9, 5}, Shape{2, 2, 5}, Shape{9, 5}})
        refused("mask", [&] { return attention(query, key, key, three, meta.f32(mask)); });
    refused("mask", [&] { return attention(query, key, key, three, meta.bf16({2, 9, 5})); });
}
