#pragma once
// Cuts a picture into tiles that overlap and puts what becomes of them together again: each tile
// fades out where its neighbour fades in, and the weights add up to one everywhere.
//
//     const std::vector<Span> rows = spansOf(96, {.tile = 64, .overlap = 16});

#include "kernels/tensor/tensor.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace kinora::pipelines {

// In the smaller of the two grids (latents).
struct Tiling {
    int64_t tile = 64;    // of a side
    int64_t overlap = 16; // at least, of two neighbours; at most a third of the tile
};

struct Span {
    int64_t begin = 0, end = 0;
    // Halves of the fade at either end: half of the weight at the middle of the overlap.
    double fadeInBegin = 0, fadeInEnd = 0, fadeOutBegin = 0, fadeOutEnd = 0;
};

// Equal spans that cover [0, length), evenly placed; one where it is no longer than a tile.
std::vector<Span> spansOf(int64_t length, const Tiling& tiling);

// The span's weight at `position` (its middle: 0.5 for the first), 0 to 1. No fade at the ends of
// the whole.
double weightAt(const Span& span, double position);

// input [1,H,W,C] -> [1, H*up/down, W*up/down, channels] f32: run on each tile, whose sides are the
// tiling's multiplied by `down`; one of up and down is 1. On the meta back end each tile is run for
// its cost.
kernels::Tensor runTiled(const kernels::Tensor& input, const Tiling& tiling, int64_t up,
                         int64_t down, int64_t channels,
                         const std::function<kernels::Tensor(const kernels::Tensor&)>& run);

} // namespace kinora::pipelines
