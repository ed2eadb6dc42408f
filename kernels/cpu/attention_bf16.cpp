#include "kernels/cpu/attention_bf16.h"

#include "kernels/cpu/bf16_tiles.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

// GCC takes the undefined vectors that its intrinsics begin with for a mistake of theirs.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

// After the headers: what they define must stay runnable everywhere.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kinora::kernels::cpu {

namespace {

constexpr int64_t kKeyStep = 256; // 32 x 256 scores stay in the first-level cache
static_assert(kKeyStep % kTileDepth == 0 && kPanelKeys % kTileDepth == 0);
constexpr float kNothing = -std::numeric_limits<float>::infinity();

constexpr int64_t roundUp(int64_t value, int64_t step) {
    return (value + step - 1) / step * step;
}

// The sizes of one packed head. Keys lie as tiles [key / 16][dimension / 32]: the right side of
// queries x keys. Values lie as tiles [key / 32][dimension / 16]: the right side of weights x
// values. Zeros fill what is no key and no dimension.
struct Packing {
    int64_t keys;       // padded
    int64_t keyTiles;   // tiles for the dimensions of 16 keys
    int64_t valueTiles; // tiles for the dimensions of 32 keys

    Packing(int64_t ownKeys, int64_t headSize)
        : keys(roundUp(ownKeys, kTileDepth)), keyTiles((headSize + kTileDepth - 1) / kTileDepth),
          valueTiles((headSize + kTileColumns - 1) / kTileColumns) {}

    int64_t keyNumbers() const { return keys / kTileColumns * keyTiles * kTileNumbers; }
    int64_t valueNumbers() const { return keys / kTileDepth * valueTiles * kTileNumbers; }
};

const uint16_t* rowOf(const HeadRows& rows, int64_t index) {
    return static_cast<const uint16_t*>(rows.data) + index * rows.stride;
}

// One key down its column of each of its tiles.
void packKey(const uint16_t* key, int64_t headSize, int64_t column, int64_t tiles, uint16_t* out) {
    for (int64_t tile = 0; tile < tiles; ++tile) {
        uint16_t* at = out + tile * kTileNumbers + 2 * column;
        const int64_t first = tile * kTileDepth;
        const int64_t used = key ? std::clamp<int64_t>(headSize - first, 0, kTileDepth) : 0;
        for (int64_t pair = 0; pair < kTileDepth / 2; ++pair) {
            uint16_t two[2] = {};
            for (int64_t i = 0; i < 2; ++i)
                if (2 * pair + i < used) two[i] = key[first + 2 * pair + i];
            std::memcpy(at + pair * 2 * kTileColumns, two, sizeof(two));
        }
    }
}

// Two keys' values as one row of each of their tiles.
void packValuePair(const uint16_t* even, const uint16_t* odd, int64_t headSize, int64_t tiles,
                   uint16_t* out) {
    for (int64_t tile = 0; tile < tiles; ++tile) {
        uint16_t* at = out + tile * kTileNumbers;
        const int64_t first = tile * kTileColumns;
        const int64_t used = std::clamp<int64_t>(headSize - first, 0, kTileColumns);
        for (int64_t i = 0; i < kTileColumns; ++i) {
            at[2 * i] = even && i < used ? even[first + i] : uint16_t{0};
            at[2 * i + 1] = odd && i < used ? odd[first + i] : uint16_t{0};
        }
    }
}

size_t packedBytes(int64_t keys, int64_t headSize) {
    const Packing packing(keys, headSize);
    return static_cast<size_t>(packing.keyNumbers() + packing.valueNumbers()) * sizeof(uint16_t);
}

void pack(const HeadRows& key, const HeadRows& value, int64_t begin, int64_t end, int64_t keys,
          int64_t headSize, void* packed) {
    const Packing packing(keys, headSize);
    uint16_t* packedKeys = static_cast<uint16_t*>(packed);
    uint16_t* packedValues = packedKeys + packing.keyNumbers();
    const int64_t padded = end == keys ? packing.keys : end;
    for (int64_t i = begin; i < padded; ++i)
        packKey(i < keys ? rowOf(key, i) : nullptr, headSize, i % kTileColumns, packing.keyTiles,
                packedKeys + i / kTileColumns * packing.keyTiles * kTileNumbers);
    for (int64_t i = begin; i < padded; i += 2)
        packValuePair(i < keys ? rowOf(value, i) : nullptr,
                      i + 1 < keys ? rowOf(value, i + 1) : nullptr, headSize, packing.valueTiles,
                      packedValues + i / kTileDepth * packing.valueTiles * kTileNumbers +
                          i % kTileDepth / 2 * 2 * kTileColumns);
}

// For kTileStrip rows. The largest score is kept times `factor`.
struct Buffers {
    float *scores, *sums, *largest, *total;
    uint16_t *query, *weights;
    int64_t queryStride, sumStride;

    static size_t bytes(int64_t headSize) {
        const Packing packing(0, headSize);
        const int64_t floats = kKeyStep + packing.valueTiles * kTileColumns + 2;
        const int64_t numbers = packing.keyTiles * kTileDepth + kKeyStep;
        return static_cast<size_t>(kTileStrip) * (static_cast<size_t>(floats) * sizeof(float) +
                                                  static_cast<size_t>(numbers) * sizeof(uint16_t));
    }

    Buffers(void* memory, int64_t headSize) {
        const Packing packing(0, headSize);
        queryStride = packing.keyTiles * kTileDepth;
        sumStride = packing.valueTiles * kTileColumns;
        float* floats = static_cast<float*>(memory);
        const auto take = [&](int64_t columns) {
            return std::exchange(floats, floats + kTileStrip * columns);
        };
        scores = take(kKeyStep);
        sums = take(sumStride);
        largest = take(1);
        total = take(1);
        query = reinterpret_cast<uint16_t*>(floats);
        weights = query + kTileStrip * queryStride;
    }
};

size_t scratchBytes(int64_t headSize) {
    return Buffers::bytes(headSize); // a multiple of 32 * 4 bytes
}

// 2^x for x <= 0 within 1e-4 of the value, which is finer than bf16; 0 far below; NaN stays NaN.
// A minimax polynomial of our own (Remez) for the fraction.
inline __m512 powerOfTwo(__m512 x) {
    const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 fraction = _mm512_sub_ps(x, whole);
    __m512 value =
        _mm512_fmadd_ps(_mm512_set1_ps(0.05517167f), fraction, _mm512_set1_ps(0.24261112f));
    value = _mm512_fmadd_ps(value, fraction, _mm512_set1_ps(0.69326099f));
    value = _mm512_fmadd_ps(value, fraction, _mm512_set1_ps(0.99992807f));
    return _mm512_scalef_ps(value, whole);
}

__m512 largestOf(const float* scores, int64_t keys) {
    __m512 most[2] = {_mm512_set1_ps(kNothing), _mm512_set1_ps(kNothing)};
    for (int64_t key = 0; key < keys; key += kTileDepth) {
        most[0] = _mm512_max_ps(_mm512_loadu_ps(scores + key), most[0]);
        most[1] = _mm512_max_ps(_mm512_loadu_ps(scores + key + 16), most[1]);
    }
    return _mm512_max_ps(most[0], most[1]);
}

// Scores of one row to weights, e^(scale * (score - largest)), and what was summed so far to the
// new largest score. Keys are padded to kTileDepth; padding gets weight 0.
void softmaxRow(Buffers& buffers, int64_t row, int64_t keys, float factor) {
    float* scores = buffers.scores + row * kKeyStep;
    const int64_t padded = roundUp(keys, kTileDepth);
    std::fill(scores + keys, scores + padded, kNothing);
    const float before = buffers.largest[row];
    const float largest =
        std::max(before, factor * _mm512_reduce_max_ps(largestOf(scores, padded)));
    const float base = largest == kNothing ? 0.0f : largest;
    const __m512 scale = _mm512_set1_ps(factor);
    const __m512 subtracted = _mm512_set1_ps(base);
    __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    uint16_t* weights = buffers.weights + row * kKeyStep;
    for (int64_t key = 0; key < padded; key += kTileDepth) {
        const __m512 low =
            powerOfTwo(_mm512_fmsub_ps(_mm512_loadu_ps(scores + key), scale, subtracted));
        const __m512 high =
            powerOfTwo(_mm512_fmsub_ps(_mm512_loadu_ps(scores + key + 16), scale, subtracted));
        sum[0] = _mm512_add_ps(sum[0], low);
        sum[1] = _mm512_add_ps(sum[1], high);
        _mm512_storeu_si512(weights + key,
                            reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
    }
    const float total = _mm512_reduce_add_ps(_mm512_add_ps(sum[0], sum[1]));
    buffers.largest[row] = largest;
    if (before == largest) {
        buffers.total[row] += total;
        return;
    }
    const float fade = std::exp2(before - base);
    buffers.total[row] = buffers.total[row] * fade + total;
    const __m512 faded = _mm512_set1_ps(fade);
    float* sums = buffers.sums + row * buffers.sumStride;
    for (int64_t i = 0; i < buffers.sumStride; i += 16)
        _mm512_storeu_ps(sums + i, _mm512_mul_ps(_mm512_loadu_ps(sums + i), faded));
}

void writeRow(const AttentionBlock& block, const Buffers& buffers, int64_t row) {
    const float* sums = buffers.sums + row * buffers.sumStride;
    const float total = buffers.total[row];
    const __m512 factor = _mm512_set1_ps(total == 0 ? 0.0f : 1.0f / total);
    uint16_t* out = static_cast<uint16_t*>(block.output) + row * block.query.stride;
    for (int64_t i = 0; i < block.headSize; i += 16) {
        const auto left = static_cast<unsigned>(std::min<int64_t>(block.headSize - i, 16));
        const auto mask = static_cast<__mmask16>((1u << left) - 1);
        const __m256bh rounded =
            _mm512_cvtneps_pbh(_mm512_mul_ps(_mm512_loadu_ps(sums + i), factor));
        _mm256_mask_storeu_epi16(out + i, mask, reinterpret_cast<__m256i>(rounded));
    }
}

void readQueries(const AttentionBlock& block, const Buffers& buffers) {
    for (int64_t row = 0; row < kTileStrip; ++row) {
        uint16_t* query = buffers.query + row * buffers.queryStride;
        const int64_t used = row < block.rows ? block.headSize : 0;
        if (used) std::copy_n(rowOf(block.query, row), used, query);
        std::fill(query + used, query + buffers.queryStride, uint16_t{0});
    }
}

void attend(const AttentionBlock& block) {
    constexpr float kLog2E = 1.44269504f;
    const Packing packing(block.keys, block.headSize);
    const uint16_t* keys = static_cast<const uint16_t*>(block.packed);
    const uint16_t* values = keys + packing.keyNumbers();
    Buffers buffers(block.scratch, block.headSize);
    readQueries(block, buffers);
    std::fill_n(buffers.largest, kTileStrip, kNothing);
    std::fill_n(buffers.total, kTileStrip, 0.0f);
    std::fill_n(buffers.sums, kTileStrip * buffers.sumStride, 0.0f);

    const TileUnit unit = tileUnit();
    beginTiles(unit);
    for (int64_t first = 0; first < block.keys; first += kKeyStep) {
        if (block.context->cancelled()) break;
        const int64_t count = std::min(kKeyStep, block.keys - first);
        const int64_t padded = roundUp(count, kTileDepth);
        multiplyTiles(unit, {buffers.query, buffers.queryStride,
                             keys + first / kTileColumns * packing.keyTiles * kTileNumbers,
                             kTileNumbers, packing.keyTiles * kTileNumbers, packing.keyTiles,
                             padded / kTileColumns, buffers.scores, kKeyStep, false});
        for (int64_t row = 0; row < kTileStrip; ++row)
            softmaxRow(buffers, row, count, block.scale * kLog2E);
        multiplyTiles(unit, {buffers.weights, kKeyStep,
                             values + first / kTileDepth * packing.valueTiles * kTileNumbers,
                             packing.valueTiles * kTileNumbers, kTileNumbers, padded / kTileDepth,
                             packing.valueTiles, buffers.sums, buffers.sumStride, true});
    }
    endTiles(unit);
    if (block.context->cancelled()) return;
    for (int64_t row = 0; row < block.rows; ++row) writeRow(block, buffers, row);
}

constexpr AttentionKernel kAttentionBf16{kTileStrip, packedBytes, scratchBytes, pack, attend};

} // namespace

const AttentionKernel* attentionBf16() {
    return tileUnit() == TileUnit::None ? nullptr : &kAttentionBf16;
}

} // namespace kinora::kernels::cpu

#pragma GCC pop_options

#else

namespace kinora::kernels::cpu {

const AttentionKernel* attentionBf16() {
    return nullptr;
}

} // namespace kinora::kernels::cpu

#endif
