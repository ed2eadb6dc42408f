#pragma once
// Linear layers and convolutions in bf16 by AMX, for weights kept in tiles. Private to kernels/cpu.
//
// A weight [outputs, depth] in tiles is cut into panels of 32 outputs, the last one filled up with
// zeros; the depth of a convolution is its kernel's places, row by row, with the inputs of each. A
// panel is what TileProduct (bf16_tiles.h) takes as its right side: tiles [depth / 32][2]. So the
// kernel walks it from its first byte to its last.

#include "kernels/cpu/packed_weight.h"

namespace kinora::kernels::cpu {

// Whether a weight of this kind is kept in tiles: bf16, whole tiles of inputs, a matrix or a kernel
// of many channels, and a processor with AMX that is within the limit on oneDNN's instruction sets.
bool multipliesByTiles(const PackedWeight& weight);

// Whether linearByTiles() gates so many outputs: both halves are whole panels.
bool gatesByTiles(int64_t outputs);

// Moves plain values [outputs, inputs, height, width] into the weight's storage; where the device
// plans, only notes the size. Throws std::bad_alloc.
void packTiles(const Context& context, PackedWeight& weight, const void* plain);

// The ops with such a weight; convolutions of any stride, padding and dilation. Sums are f32; their
// order depends on the depth alone, so that any number of rows and of threads gives the same bytes.
// A device that plans takes the scratch memory and does no more. Throw Cancelled, std::bad_alloc.
void linearByTiles(Context& context, const LinearArgs& args);
void convolveByTiles(Context& context, const Conv2dArgs& args);

} // namespace kinora::kernels::cpu
