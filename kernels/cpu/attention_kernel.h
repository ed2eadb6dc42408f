#pragma once
// The arithmetic of attention for one head, compiled once per instruction set. Private to
// kernels/cpu; attention_cpu.cpp shares the work out.
//
// Keys and values are packed once per head into panels that the inner loop reads in order. A block
// of queries then walks over the keys in steps of kKeyBlock, keeping per row the largest score and
// the sum so far (Milakov and Gimelshein 2018), so that its memory depends on neither length.
// Everything is f32 inside. A row computes the same bytes in whatever block it is: results do not
// depend on how the work was shared out.

#include "kernels/cpu/cpu_context.h"

#include <cstddef>
#include <cstdint>

namespace kinora::kernels::cpu {

inline constexpr int64_t kQueryBlock = 120; // a multiple of every tile height, see the .cpp
inline constexpr int64_t kKeyBlock = 256;   // 120 x 256 scores stay in the second-level cache
inline constexpr int64_t kPanelKeys = 64;   // packed keys are padded to this

// Rows of one head inside [length, heads * size].
struct HeadRows {
    const void* data; // the head's first element
    DType dtype;      // F32 or BF16
    int64_t stride;   // elements from row to row
};

// Floats in a packed head of this many keys, in scratch for one block.
int64_t packedKeyFloats(int64_t keys, int64_t headSize);
int64_t packedValueFloats(int64_t keys, int64_t headSize);
int64_t blockScratchFloats(int64_t headSize);

// Pack keys [begin, end) out of `keys`; begin, and end but for the last, are multiples of
// kPanelKeys.
void packKeys(const HeadRows& rows, int64_t begin, int64_t end, int64_t keys, int64_t headSize,
              float* packed);
void packValues(const HeadRows& rows, int64_t begin, int64_t end, int64_t keys, int64_t headSize,
                float* packed);

struct AttentionBlock {
    const Context* context; // asked between steps whether to go on
    HeadRows query;         // the block's first row
    int64_t rows;           // 1 to kQueryBlock
    int64_t firstRow;       // the index of the first row among all queries, for `causal`
    const float* packedKeys;
    const float* packedValues;
    int64_t keys, headSize;
    const float* mask;  // of the block's first row, or null
    int64_t maskStride; // 0: one row for all queries
    float scale;
    bool causal;
    void* output; // rows as `query`: same dtype and stride
    float* scratch;
};

// A row whose keys are all masked becomes 0. Leaves the output alone once cancelled.
void attendBlock(const AttentionBlock& block);

} // namespace kinora::kernels::cpu
