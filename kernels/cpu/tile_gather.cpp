#include "kernels/cpu/tile_gather.h"

#include "kernels/cpu/bf16_tiles.h"

#include <algorithm>
#include <cstring>

namespace kinora::kernels::cpu {

namespace {

// The pixel of the input at one place of the kernel, for one pixel of the output; null where it
// lies outside.
const uint16_t* inputPixel(const Conv2dArgs& args, int64_t row, int64_t place) {
    const int64_t height = args.output.dims[1], width = args.output.dims[2];
    const int64_t line = row / width;
    const int64_t y = line % height * args.strideHeight - args.padTop +
                      place / args.kernelWidth * args.dilationHeight;
    const int64_t x = row % width * args.strideWidth - args.padLeft +
                      place % args.kernelWidth * args.dilationWidth;
    const TensorRef& input = args.input;
    if (y < 0 || y >= input.dims[1] || x < 0 || x >= input.dims[2]) return nullptr;
    return static_cast<const uint16_t*>(input.data) +
           ((line / height * input.dims[1] + y) * input.dims[2] + x) * input.dims[3];
}

// `count` tiles' lines: 64 bytes each, one in each of the tiles that follow each other in depth.
void copyLines(const uint16_t* pixel, int64_t count, uint16_t* out) {
    constexpr size_t kLineBytes = kTileLine * sizeof(uint16_t);
    for (int64_t tile = 0; tile < count; ++tile, out += kTileNumbers)
        if (pixel)
            std::memcpy(out, pixel + tile * kTileDepth, kLineBytes);
        else
            std::memset(out, 0, kLineBytes);
}

} // namespace

void gatherTiles(const Conv2dArgs& args, int64_t firstRow, int64_t lastRow, int64_t firstTile,
                 int64_t lastTile, uint16_t* tiles) {
    const int64_t rows = args.output.dims[0] * args.output.dims[1] * args.output.dims[2];
    const int64_t placeTiles = args.input.dims[3] / kTileDepth;
    const int64_t tileRowNumbers = (lastTile - firstTile) * kTileNumbers;
    for (int64_t row = firstRow; row < lastRow; ++row) {
        const int64_t index = row - firstRow;
        uint16_t* out = tiles + index / kTileSide * tileRowNumbers + index % kTileSide * kTileLine;
        for (int64_t tile = firstTile; tile < lastTile;) {
            const int64_t place = tile / placeTiles;
            const int64_t count = std::min(lastTile, (place + 1) * placeTiles) - tile;
            const uint16_t* pixel = row < rows ? inputPixel(args, row, place) : nullptr;
            copyLines(pixel ? pixel + tile % placeTiles * kTileDepth : nullptr, count, out);
            tile += count;
            out += count * kTileNumbers;
        }
    }
}

} // namespace kinora::kernels::cpu
