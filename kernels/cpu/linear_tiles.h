#pragma once
// activation(input x weight + bias) + residual in bf16 by AMX, for weights kept in tiles, or one
// half of the sums gated by the other. Private to kernels/cpu.
//
// A weight [outputs, inputs] in tiles is cut into panels of 32 outputs, the last one filled up with
// zeros. A panel is what TileProduct (bf16_tiles.h) takes as its right side: tiles [inputs /
// 32][2]. So the kernel walks it from its first byte to its last.

#include "kernels/cpu/cpu_context.h"

#include <cstddef>
#include <cstdint>

namespace kinora::kernels::cpu {

// Whether linear ops by a weight of this kind run here: bf16, whole tiles of inputs, and a
// processor with AMX that is within the limit on oneDNN's instruction sets.
bool multipliesByTiles(DType dtype, int64_t inputs);

// Whether linearByTiles() gates so many outputs: both halves are whole panels.
bool gatesByTiles(int64_t outputs);

// Moves plain values [outputs, inputs] into tiles, and back; on the context's threads.
size_t tiledBytes(int64_t inputs, int64_t outputs);
void tileWeight(const Context& context, const uint16_t* plain, int64_t inputs, int64_t outputs,
                uint16_t* tiles);
void untileWeight(const Context& context, const uint16_t* tiles, int64_t inputs, int64_t outputs,
                  uint16_t* plain);

// args.weight in tiles. Sums are f32; their order depends on the number of inputs alone, so that
// any number of rows and of threads gives the same bytes. A device that plans takes the scratch
// memory and does no more. Throws std::bad_alloc.
void linearByTiles(Context& context, const LinearArgs& args, const uint16_t* tiles);

} // namespace kinora::kernels::cpu
