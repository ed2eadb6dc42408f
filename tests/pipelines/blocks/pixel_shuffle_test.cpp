#include "pipelines/blocks/pixel_shuffle.h"
#include "tests/pipelines/blocks/block_device.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::pipelines;
using kinora::kernels::Shape;
using kinora::kernels::Tensor;
using kinora::test::BlockDevice;

TEST_CASE("channels become pixels as torch.nn.functional.pixel_shuffle has it") {
    BlockDevice cpu("cpu");
    std::vector<float> values(2 * 1 * 2 * 8);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    const Tensor x = cpu.device->fromHost(values.data(), {2, 1, 2, 8}, kinora::kernels::DType::F32);
    const Tensor y = pixelShuffle(x, 2);
    CHECK((y.shape() == Shape{2, 2, 4, 2}));
    // torch: F.pixel_shuffle(torch.arange(32.).reshape(2, 1, 2, 8).permute(0, 3, 1, 2), 2), its
    // first picture channels last.
    const std::vector<float> expected{0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15};
    const std::vector<float> found = cpu.device->toHost<float>(y);
    CHECK(std::vector<float>(found.begin(), found.begin() + 16) == expected);
    CHECK(cpu.device->toHost<float>(pixelUnshuffle(y, 2)) == values);
}
