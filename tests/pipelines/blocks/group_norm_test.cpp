#include "pipelines/blocks/group_norm.h"
#include "tests/pipelines/blocks/block_device.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;
using kinora::test::BlockDevice;
using kinora::test::thrownBy;

TEST_CASE("groups that do not divide the channels are refused") {
    BlockDevice meta("meta");
    CHECK(thrownBy([&] { GroupNorm(meta.weights, "norm1", 48, 32, 1e-5f); }) ==
          "bad-file: The config's \"norm_num_groups\", 32, does not divide the 48 channels of "
          "norm1.");
    CHECK(thrownBy([&] { GroupNorm(meta.weights, "norm1", 64, 32, 1e-5f); }) == "nothing");
}

TEST_CASE("adding a constant to a group changes nothing") {
    BlockDevice cpu;
    const GroupNorm norm(cpu.weights, "norm", 4, 2, 1e-5f);
    std::vector<float> values = cpu.values(cpu.random("x", {1, 3, 2, 4}));
    const auto run = [&] {
        return cpu.values(
            norm(cpu.device->fromHost(values.data(), {1, 3, 2, 4}, kinora::kernels::DType::F32)));
    };
    const std::vector<float> before = run();
    for (size_t i = 0; i < values.size(); ++i)
        if (i % 4 < 2) values[i] += 3;
    const std::vector<float> after = run();
    for (size_t i = 0; i < before.size(); ++i)
        CHECK(after[i] == doctest::Approx(before[i]).epsilon(1e-4));
    for (size_t i = 0; i < values.size(); ++i)
        if (i % 4 == 0) values[i] += 3; // half a group
    CHECK(run()[0] != doctest::Approx(before[0]).epsilon(1e-2));
}
