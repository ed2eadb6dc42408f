#pragma once
// The arithmetic of attention for one head, compiled once per instruction set. Private to
// kernels/cpu; attention_cpu.cpp shares the work out.
//
// Keys and values are packed once per head into panels that the inner loop reads in order. A block
// of queries then walks over the keys in steps, keeping per row the largest score and the sum so
// far (Milakov and Gimelshein 2018), so that its memory depends on neither length. A row computes
// the same bytes in whatever block it is: results do not depend on how the work was shared out.

#include "kernels/cpu/cpu_context.h"

#include <cstddef>
#include <cstdint>

namespace kinora::kernels::cpu {

// Rows of one head inside [length, heads * size].
struct HeadRows {
    const void* data; // the head's first element
    DType dtype;      // F32 or BF16
    int64_t stride;   // elements from row to row
};

// Queries of one head against all its keys.
struct AttentionBlock {
    const Context* context; // asked between steps whether to go on
    HeadRows query;         // the block's first row
    int64_t rows;           // 1 to the kernel's queryBlock
    int64_t firstRow;       // the index of the first row among all queries, for `causal`
    const void* packed;     // the head's keys and values
    int64_t keys, headSize;
    const float* mask;  // of the block's first row, or null
    int64_t maskStride; // 0: one row for all queries
    float scale;
    bool causal;
    void* output; // rows as `query`: same dtype and stride
    void* scratch;
};

// One way to compute it.
struct AttentionKernel {
    int64_t queryBlock; // rows that attend() takes at most
    // Bytes of a packed head, of scratch for one block; multiples of a cache line.
    size_t (*packedBytes)(int64_t keys, int64_t headSize);
    size_t (*scratchBytes)(int64_t headSize);
    // Pack keys and values [begin, end) out of `keys`; begin, and end but for the last, are
    // multiples of kPanelKeys.
    void (*pack)(const HeadRows& key, const HeadRows& value, int64_t begin, int64_t end,
                 int64_t keys, int64_t headSize, void* packed);
    // A row whose keys are all masked becomes 0. Leaves the output alone once cancelled.
    void (*attend)(const AttentionBlock& block);
};

inline constexpr int64_t kPanelKeys = 64;

// Everything is f32 inside: any dtype, masks, any processor.
extern const AttentionKernel kAttentionF32;

} // namespace kinora::kernels::cpu
