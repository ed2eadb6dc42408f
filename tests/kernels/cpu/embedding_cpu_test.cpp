// Rows of a table, and timesteps as sinusoids.

#include "kernels/ops/embedding.h"
#include "tests/kernels/cpu/every_target.h"
#include "tests/support/reference_ops.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("an embedding is the table's rows") {
    const std::vector<int32_t> indices = {3, 0, 6, 6, 1};
    for (const DType dtype : {DType::F32, DType::BF16, DType::F16})
        for (const int64_t channels : {1, 5, 33, 768}) {
            Array table = randomArray({7, channels}, 1);
            for (double& value : table.values) value = rounded(value, dtype);
            Array expected({5, channels});
            for (int64_t i = 0; i < expected.elements(); ++i)
                expected[i] =
                    table[indices[static_cast<size_t>(i / channels)] * channels + i % channels];
            checkOp(
                [&](Device& device) { return embedding(toTensor(device, table, dtype), indices); },
                expected, 0);
        }
}

TEST_CASE("timesteps become the sinusoids of the definition") {
    const std::vector<float> timesteps = {0, 1, 499.5f, 999};
    for (const int channels : {1, 2, 4, 33, 320})
        for (const bool cosFirst : {true, false})
            for (const float shift : {0.0f, 0.5f}) {
                CAPTURE(channels);
                checkOp(
                    [&](Device& device) {
                        return timestepEmbedding(device, timesteps, channels,
                                                 {cosFirst, shift, 10000});
                    },
                    reference::timestepEmbedding(timesteps, channels, cosFirst, shift, 10000),
                    1e-6);
            }
}

TEST_CASE("timestep embeddings equal figures worked out by hand") {
    const auto device = openCpu(1);
    const std::vector<float> timesteps = {2};
    // Frequencies 1 and 1/100.
    const Array got = toArray(timestepEmbedding(*device, timesteps, 5, {true, 0, 10000}));
    const double expected[] = {std::cos(2), std::cos(0.02), std::sin(2), std::sin(0.02), 0};
    for (int i = 0; i < 5; ++i) CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}
