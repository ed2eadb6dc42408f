// The pixels of a convolution in tiles, number by number.

#include "kernels/cpu/bf16_tiles.h"
#include "kernels/cpu/tile_gather.h"
#include "tests/kernels/cpu/convolution.h"

#include <doctest/doctest.h>

namespace kinora::kernels::test {

namespace {

using cpu::kTileDepth;
using cpu::kTileNumbers;
using cpu::kTileSide;

// The number that row and column of the left side should have; 0 where there is none.
uint16_t numberAt(const Convolution& c, const std::vector<uint16_t>& input, int64_t row,
                  int64_t column) {
    const auto [height, width] = geometryOf(c);
    const int64_t place = column / c.inputs;
    const int64_t y = row / width % height * c.stride - c.padTop + place / c.kernel * c.dilation;
    const int64_t x = row % width * c.stride - c.padLeft + place % c.kernel * c.dilation;
    const int64_t picture = row / width / height;
    if (picture >= c.batch || y < 0 || y >= c.height || x < 0 || x >= c.width) return 0;
    return input[static_cast<size_t>(((picture * c.height + y) * c.width + x) * c.inputs +
                                     column % c.inputs)];
}

} // namespace

TEST_CASE("each number of a gathered tile is the pixel's, or zero") {
    for (const Convolution& c : {Convolution{2, 5, 4, 64, 1, 3, 1, 1, 1, 1, 1, 1},
                                 Convolution{1, 9, 8, 32, 1, 3, 2, 1, 0, 1, 1, 0},
                                 Convolution{1, 6, 7, 96, 1, 3, 1, 2, 2, 2, 2, 2}}) {
        std::vector<uint16_t> input(static_cast<size_t>(c.batch * c.height * c.width * c.inputs));
        for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<uint16_t>(i + 1);
        const auto [height, width] = geometryOf(c);
        Conv2dArgs args = argsOf(c);
        args.input = {input.data(), DType::BF16, 4, {c.batch, c.height, c.width, c.inputs}};
        args.output = {nullptr, DType::BF16, 4, {c.batch, height, width, 1}};
        const int64_t rows = 32, depth = 9 * c.inputs / kTileDepth;
        for (const int64_t firstRow : {0, 32})
            for (const int64_t firstTile : {int64_t{0}, depth / 3 + 1}) {
                const int64_t tiles = depth - firstTile;
                std::vector<uint16_t> got(static_cast<size_t>(rows * tiles * kTileDepth), 7);
                cpu::gatherTiles(args, firstRow, firstRow + rows, firstTile, depth, got.data());
                int64_t wrong = 0;
                for (int64_t row = 0; row < rows; ++row)
                    for (int64_t at = 0; at < tiles * kTileDepth; ++at) {
                        const auto index = static_cast<size_t>(
                            (row / kTileSide * tiles + at / kTileDepth) * kTileNumbers +
                            row % kTileSide * kTileDepth + at % kTileDepth);
                        wrong += got[index] !=
                                 numberAt(c, input, firstRow + row, firstTile * kTileDepth + at);
                    }
                CAPTURE(firstRow);
                CAPTURE(firstTile);
                CHECK(wrong == 0);
            }
    }
}

} // namespace kinora::kernels::test
