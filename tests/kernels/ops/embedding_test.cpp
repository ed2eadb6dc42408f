#include "kernels/ops/embedding.h"
#include "tests/kernels/ops/refusal.h"

#include <vector>

using namespace kinora;
using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("embeddings have a row for each index") {
    MetaDevice meta;
    CHECK((embedding(meta.bf16({10, 4}), std::vector<int32_t>{0, 9}).shape() == Shape{2, 4}));
    CHECK((embedding(meta.f32({10, 4}), {}).shape() == Shape{0, 4}));
    CHECK((timestepEmbedding(meta.device, std::vector<float>{1, 2}, 7).shape() == Shape{2, 7}));
    CHECK((timestepEmbedding(meta.device, {}, 7).shape() == Shape{0, 7}));
}

TEST_CASE("an index outside the table is the caller's mistake, and named") {
    MetaDevice meta;
    for (const int32_t index : {10, -1}) {
        try {
            embedding(meta.f32({10, 4}), std::vector<int32_t>{0, index});
            FAIL("it was taken");
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::InvalidArgument);
            CHECK(error.message().find(std::to_string(index)) != std::string::npos);
        }
    }
}

TEST_CASE("embeddings refuse what does not fit") {
    MetaDevice meta;
    const std::vector<int32_t> indices = {0};
    const std::vector<float> times = {1};
    checkRefused([&] { return embedding(meta.f32({10}), indices); }, "embedding", "[V, C]");
    checkRefused([&] { return timestepEmbedding(meta.device, times, 0); }, "timestepEmbedding",
                 "a channel");
    checkRefused([&] { return timestepEmbedding(meta.device, times, 8, {true, 4, 10000}); },
                 "timestepEmbedding", "half the channels");
    checkRefused([&] { return timestepEmbedding(meta.device, times, 8, {true, 0, 0}); },
                 "timestepEmbedding", "period");
}
