#include "kernels/cpu/attention_kernel.h"

#include "kernels/base/rounding.h"
#include "kernels/tensor/bf16.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

// As simd_targets.h; and vectors without a size at compile time cannot be kept in arrays, as the
// tiles do.
#define HWY_DISABLED_TARGETS                                                                       \
    (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_kernel.cpp"
#include <hwy/foreach_target.h>
// After foreach_target, by its rules.
#include "kernels/cpu/simd_math_inl.h"

#include <hwy/highway.h>

// What is the same for all instruction sets stands here once.
#ifndef KINORA_ATTENTION_SIZES
#define KINORA_ATTENTION_SIZES
namespace kinora::kernels::cpu {
namespace {

constexpr int64_t kQueryBlock = 120; // a multiple of every tile's height
constexpr int64_t kKeyBlock = 256;   // 120 x 256 scores stay in the second-level cache
constexpr int64_t kLineFloats = 16;  // a cache line

constexpr int64_t packedKeyFloats(int64_t keys, int64_t headSize) {
    return roundUp(keys, kPanelKeys) * headSize;
}

} // namespace
} // namespace kinora::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;
constexpr Floats kFloats;
constexpr int64_t kLanes = hn::MaxLanes(kFloats);

// A tile is kRows x (vectors * kLanes) sums held in registers: 24 of 32, or 12 of 16.
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64;
constexpr int kMostVectors = kManyRegisters ? 4 : 2;
constexpr int tileRows(int vectors) {
    return kManyRegisters ? (vectors == 4 ? 6 : vectors == 3 ? 8 : 12) : (vectors == 2 ? 6 : 10);
}
constexpr int64_t kTallestTile = 12;
constexpr int64_t kKeyPanel = kMostVectors * kLanes;
static_assert(kPanelKeys % kKeyPanel == 0);
static_assert(kKeyBlock % kPanelKeys == 0);

// Vectors in the panel of keys that begins at `first`: the last one is narrower.
int keyVectors(int64_t first, int64_t keys) {
    return static_cast<int>(std::min<int64_t>(kMostVectors, ceilDiv(keys - first, kLanes)));
}

// c[kRows, vectors] = a[kRows, depth] x b[depth, vectors], over alpha[row] * c where alpha is
// given.
template <int kVectors, int kRows>
HWY_INLINE void tile(const float* HWY_RESTRICT a, int64_t aStride, const float* HWY_RESTRICT b,
                     int64_t depth, const float* alpha, float* HWY_RESTRICT c, int64_t cStride) {
    Vector sums[kRows][kVectors];
    for (int row = 0; row < kRows; ++row)
        for (int vector = 0; vector < kVectors; ++vector)
            sums[row][vector] =
                alpha ? hn::Mul(hn::LoadU(kFloats, c + row * cStride + vector * kLanes),
                                hn::Set(kFloats, alpha[row]))
                      : hn::Zero(kFloats);
    for (int64_t k = 0; k < depth; ++k) {
        Vector right[kVectors];
        for (int vector = 0; vector < kVectors; ++vector)
            right[vector] = hn::LoadU(kFloats, b + (k * kVectors + vector) * kLanes);
        for (int row = 0; row < kRows; ++row) {
            const Vector left = hn::Set(kFloats, a[row * aStride + k]);
            for (int vector = 0; vector < kVectors; ++vector)
                sums[row][vector] = hn::MulAdd(left, right[vector], sums[row][vector]);
        }
    }
    for (int row = 0; row < kRows; ++row)
        for (int vector = 0; vector < kVectors; ++vector)
            hn::StoreU(sums[row][vector], kFloats, c + row * cStride + vector * kLanes);
}

// All rows of one panel; rows are padded to whole tiles by the caller's buffers.
template <int kVectors>
void panelProduct(int64_t rows, const float* a, int64_t aStride, const float* b, int64_t depth,
                  const float* alpha, float* c, int64_t cStride) {
    constexpr int kRows = tileRows(kVectors);
    for (int64_t row = 0; row < rows; row += kRows)
        tile<kVectors, kRows>(a + row * aStride, aStride, b, depth, alpha ? alpha + row : nullptr,
                              c + row * cStride, cStride);
}

void product(int vectors, int64_t rows, const float* a, int64_t aStride, const float* b,
             int64_t depth, const float* alpha, float* c, int64_t cStride) {
    switch (vectors) {
    case 1: return panelProduct<1>(rows, a, aStride, b, depth, alpha, c, cStride);
    case 2: return panelProduct<2>(rows, a, aStride, b, depth, alpha, c, cStride);
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
    case 3: return panelProduct<3>(rows, a, aStride, b, depth, alpha, c, cStride);
    case 4: return panelProduct<4>(rows, a, aStride, b, depth, alpha, c, cStride);
#endif
    default: HWY_ABORT("attention: %d vectors in a panel", vectors);
    }
}

// The columns of the values in panels of nearly equal width: calls body(first vector, vectors).
template <typename Body> void forEachValuePanel(int64_t headSize, const Body& body) {
    const int64_t vectors = ceilDiv(headSize, kLanes);
    const int64_t panels = ceilDiv(vectors, kMostVectors);
    for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t begin = vectors * panel / panels;
        body(begin, static_cast<int>(vectors * (panel + 1) / panels - begin));
    }
}

// e^x for x <= 0 within 2e-7 of the value, exactly 1 at 0, 0 below -87. NaN stays NaN. The same
// polynomial as exponential() in simd_math_inl.h; knowing that x <= 0 halves the instructions
// around it: adding 1.5 * 2^23 + 127 rounds n = x / ln 2 to a whole number and leaves the exponent
// of 2^n in the lowest bits.
HWY_INLINE Vector exponentialBelowZero(Vector x) {
    constexpr float kPower[] = {1.0f,         1.0f,         0.49999994f,  0.1666652f,
                                0.041668393f, 0.008368781f, 0.0013814465f};
    const hn::RebindToSigned<Floats> integers;
    const Vector magic = hn::Set(kFloats, 12583039.0f);
    const Vector biased = hn::MulAdd(x, hn::Set(kFloats, 1.44269504f), magic);
    const Vector n = hn::Sub(biased, magic);
    Vector r = hn::NegMulAdd(n, hn::Set(kFloats, 0.693359375f), x); // ln 2 in two parts
    r = hn::NegMulAdd(n, hn::Set(kFloats, -2.12194440e-4f), r);
    const Vector scale = hn::BitCast(kFloats, hn::ShiftLeft<23>(hn::BitCast(integers, biased)));
    const Vector value = hn::Mul(polynomial(kFloats, r, kPower), scale);
    return hn::IfThenZeroElse(hn::Lt(x, hn::Set(kFloats, -87.0f)), value);
}

// Row `index` of a head as f32 times scale.
void readRow(const HeadRows& rows, int64_t index, int64_t headSize, float scale, float* out) {
    if (rows.dtype == DType::F32) {
        const float* row = static_cast<const float*>(rows.data) + index * rows.stride;
        for (int64_t i = 0; i < headSize; ++i) out[i] = row[i] * scale;
        return;
    }
    const uint16_t* row = static_cast<const uint16_t*>(rows.data) + index * rows.stride;
    for (int64_t i = 0; i < headSize; ++i) out[i] = widenBf16(row[i]) * scale;
}

// Row `index` down one column of a key panel.
void scatterKey(const HeadRows& rows, int64_t index, int64_t headSize, int64_t width,
                float* column) {
    if (rows.dtype == DType::F32) {
        const float* row = static_cast<const float*>(rows.data) + index * rows.stride;
        for (int64_t i = 0; i < headSize; ++i) column[i * width] = row[i];
        return;
    }
    const uint16_t* row = static_cast<const uint16_t*>(rows.data) + index * rows.stride;
    for (int64_t i = 0; i < headSize; ++i) column[i * width] = widenBf16(row[i]);
}

void packKeysHere(const HeadRows& rows, int64_t begin, int64_t end, int64_t keys, int64_t headSize,
                  float* packed) {
    for (int64_t first = begin; first < end; first += kKeyPanel) {
        float* panel = packed + first * headSize;
        const int64_t width = keyVectors(first, keys) * kLanes;
        for (int64_t key = first; key < first + width; ++key) {
            float* column = panel + (key - first);
            if (key < end)
                scatterKey(rows, key, headSize, width, column);
            else
                for (int64_t i = 0; i < headSize; ++i) column[i * width] = 0;
        }
    }
}

void packValuesHere(const HeadRows& rows, int64_t begin, int64_t end, int64_t keys,
                    int64_t headSize, float* packed) {
    const int64_t elementBytes = rows.dtype == DType::F32 ? 4 : 2;
    forEachValuePanel(headSize, [&](int64_t firstVector, int vectors) {
        const int64_t width = vectors * kLanes;
        const int64_t column = firstVector * kLanes;
        const int64_t used = std::min(width, headSize - column);
        const HeadRows part{static_cast<const char*>(rows.data) + column * elementBytes, rows.dtype,
                            rows.stride};
        float* panel = packed + keys * column;
        for (int64_t key = begin; key < end; ++key) {
            float* out = panel + key * width;
            readRow(part, key, used, 1.0f, out);
            std::fill(out + used, out + width, 0.0f);
        }
    });
}

struct Buffers {
    float *query, *scores, *sums, *largest, *total, *alpha;
    int64_t valueStride;

    Buffers(float* memory, int64_t headSize) : valueStride(roundUp(headSize, kLanes)) {
        const auto take = [&](int64_t columns) {
            return std::exchange(memory, memory + kQueryBlock * columns);
        };
        scores = take(kKeyBlock);
        sums = take(valueStride);
        query = take(headSize);
        largest = take(1);
        total = take(1);
        alpha = take(1);
    }
};

// Scores of one row to weights: adds the mask, hides later keys, subtracts the largest score so
// far, takes e^ of it. Scores are padded to whole vectors.
void softmaxRow(const AttentionBlock& block, Buffers& buffers, int64_t row, int64_t firstKey,
                int64_t keys) {
    constexpr float kHidden = -std::numeric_limits<float>::infinity();
    float* scores = buffers.scores + row * kKeyBlock;
    if (block.mask) {
        const float* mask = block.mask + row * block.maskStride + firstKey;
        for (int64_t key = 0; key < keys; ++key) scores[key] += mask[key];
    }
    int64_t seen = keys;
    if (block.causal) seen = std::clamp<int64_t>(block.firstRow + row + 1 - firstKey, 0, keys);
    std::fill(scores + seen, scores + roundUp(keys, kLanes), kHidden);

    Vector most = hn::Set(kFloats, kHidden);
    for (int64_t key = 0; key < keys; key += kLanes)
        most = hn::Max(most, hn::LoadU(kFloats, scores + key));
    const float before = buffers.largest[row];
    const float largest = std::max(before, hn::GetLane(hn::MaxOfLanes(kFloats, most)));
    const float base = largest == kHidden ? 0.0f : largest; // nothing seen yet: all weights are 0
    const Vector subtracted = hn::Set(kFloats, base);
    Vector sum = hn::Zero(kFloats);
    for (int64_t key = 0; key < keys; key += kLanes) {
        const Vector weight =
            exponentialBelowZero(hn::Sub(hn::LoadU(kFloats, scores + key), subtracted));
        hn::StoreU(weight, kFloats, scores + key);
        sum = hn::Add(sum, weight);
    }
    const float alpha = hn::GetLane(exponentialBelowZero(hn::Set(kFloats, before - base)));
    buffers.alpha[row] = alpha;
    buffers.largest[row] = largest;
    buffers.total[row] = buffers.total[row] * alpha + hn::GetLane(hn::SumOfLanes(kFloats, sum));
}

void writeRow(const AttentionBlock& block, const Buffers& buffers, int64_t row) {
    const float* sums = buffers.sums + row * buffers.valueStride;
    const float total = buffers.total[row];
    const float factor = total == 0 ? 0.0f : 1.0f / total;
    if (block.query.dtype == DType::F32) {
        float* out = static_cast<float*>(block.output) + row * block.query.stride;
        for (int64_t i = 0; i < block.headSize; ++i) out[i] = sums[i] * factor;
        return;
    }
    uint16_t* out = static_cast<uint16_t*>(block.output) + row * block.query.stride;
    for (int64_t i = 0; i < block.headSize; ++i) out[i] = roundToBf16(sums[i] * factor);
}

void attendBlockHere(const AttentionBlock& block) {
    Buffers buffers(static_cast<float*>(block.scratch), block.headSize);
    const float* packedKeys = static_cast<const float*>(block.packed);
    const float* packedValues = packedKeys + packedKeyFloats(block.keys, block.headSize);
    const int64_t padded = std::min(kQueryBlock, block.rows + kTallestTile); // fills the last tile
    for (int64_t row = 0; row < padded; ++row) {
        float* query = buffers.query + row * block.headSize;
        if (row < block.rows)
            readRow(block.query, row, block.headSize, block.scale, query);
        else
            std::fill(query, query + block.headSize, 0.0f);
    }
    std::fill_n(buffers.largest, padded, -std::numeric_limits<float>::infinity());
    std::fill_n(buffers.total, padded, 0.0f);
    std::fill_n(buffers.alpha, padded, 0.0f);
    std::fill_n(buffers.sums, padded * buffers.valueStride, 0.0f);

    const int64_t seen =
        block.causal ? std::min(block.keys, block.firstRow + block.rows) : block.keys;
    for (int64_t first = 0; first < seen; first += kKeyBlock) {
        if (block.context->cancelled()) return;
        const int64_t keys = std::min(kKeyBlock, seen - first);
        for (int64_t panel = 0; panel < keys; panel += kKeyPanel)
            product(keyVectors(first + panel, block.keys), block.rows, buffers.query,
                    block.headSize, packedKeys + (first + panel) * block.headSize, block.headSize,
                    nullptr, buffers.scores + panel, kKeyBlock);
        for (int64_t row = 0; row < block.rows; ++row) softmaxRow(block, buffers, row, first, keys);
        forEachValuePanel(block.headSize, [&](int64_t firstVector, int vectors) {
            const int64_t column = firstVector * kLanes;
            product(vectors, block.rows, buffers.scores, kKeyBlock,
                    packedValues + block.keys * column + first * vectors * kLanes, keys,
                    buffers.alpha, buffers.sums + column, buffers.valueStride);
        });
    }
    for (int64_t row = 0; row < block.rows; ++row) writeRow(block, buffers, row);
}

} // namespace
} // namespace kinora::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kinora::kernels::cpu {

HWY_EXPORT(packKeysHere);
HWY_EXPORT(packValuesHere);
HWY_EXPORT(attendBlockHere);

namespace {

constexpr int64_t kMostLanes = 16;

size_t packedBytes(int64_t keys, int64_t headSize) {
    const int64_t floats = packedKeyFloats(keys, headSize) + keys * roundUp(headSize, kMostLanes);
    return static_cast<size_t>(roundUp(floats, kLineFloats)) * sizeof(float);
}

size_t scratchBytes(int64_t headSize) {
    const int64_t floats = kQueryBlock * (kKeyBlock + roundUp(headSize, kMostLanes) + headSize + 3);
    return static_cast<size_t>(roundUp(floats, kLineFloats)) * sizeof(float);
}

void pack(const HeadRows& key, const HeadRows& value, int64_t begin, int64_t end, int64_t keys,
          int64_t headSize, void* packed) {
    float* panels = static_cast<float*>(packed);
    HWY_DYNAMIC_DISPATCH(packKeysHere)(key, begin, end, keys, headSize, panels);
    HWY_DYNAMIC_DISPATCH(packValuesHere)
    (value, begin, end, keys, headSize, panels + packedKeyFloats(keys, headSize));
}

void attend(const AttentionBlock& block) {
    HWY_DYNAMIC_DISPATCH(attendBlockHere)(block);
}

} // namespace

const AttentionKernel kAttentionF32{kQueryBlock, packedBytes, scratchBytes, pack, attend};

} // namespace kinora::kernels::cpu
#endif
