#pragma once
// The left side of a matrix product that is a convolution in bf16: the pixels that some of its rows
// see, in tiles. Private to kernels/cpu.

#include "kernels/backend/backend_table.h"

namespace kinora::kernels::cpu {

// A row is a pixel of args.output; its numbers are the kernel's places, row by row, with the inputs
// of each. Rows [firstRow, lastRow), a multiple of 16 of them, and tiles of depth [firstTile,
// lastTile) -> tiles [row / 16][depth] as TileProduct (bf16_tiles.h) takes them. Zeros stand
// where there is padding, and for rows that the output has not. The inputs are whole tiles.
void gatherTiles(const Conv2dArgs& args, int64_t firstRow, int64_t lastRow, int64_t firstTile,
                 int64_t lastTile, uint16_t* tiles);

} // namespace kinora::kernels::cpu
