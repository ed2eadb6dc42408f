#include "kernels/cpu/attention_bf16.h"

#include "kernels/base/rounding.h"
#include "kernels/cpu/bf16_tiles.h"

#if defined(__x86_64__)

#include "kernels/cpu/x86_intrinsics.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

// After the headers: what they define must stay runnable everywhere.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kinora::kernels::cpu {

namespace {

// Scores are computed as [key, query]: the largest of them, their sum and what they weigh are then
// sought lane by lane, a query in each, and nothing is ever reduced across a vector.
constexpr int64_t kStrip = kProductWidth; // queries at a time
constexpr int64_t kStrips = 2;            // that share the keys while those are in the cache
constexpr int64_t kKeyStep = 128;         // 128 x 32 scores stay in the first-level cache
constexpr int64_t kStepScores = kKeyStep * kStrip;
static_assert(kKeyStep % kTileDepth == 0 && kPanelKeys % kTileDepth == 0);
constexpr float kNothing = -std::numeric_limits<float>::infinity();

// The sizes of one packed head. Keys are the left side of keys x queries: tiles [key / 16]
// [dimension / 32]. Values, turned, are the left side of values x weights: tiles [key / 32]
// [dimension / 16]. Zeros fill what is no key and no dimension.
struct Packing {
    int64_t keys;       // padded
    int64_t depthTiles; // of a key
    int64_t valueTiles; // of a value

    Packing(int64_t ownKeys, int64_t headSize)
        : keys(ceilDiv(ownKeys, kTileDepth) * kTileDepth),
          depthTiles(ceilDiv(headSize, kTileDepth)), valueTiles(ceilDiv(headSize, kTileSide)) {}

    int64_t keyNumbers() const { return keys / kTileSide * depthTiles * kTileNumbers; }
    int64_t valueNumbers() const { return keys / kTileDepth * valueTiles * kTileNumbers; }
};

const uint16_t* rowOf(const HeadRows& rows, int64_t index) {
    return static_cast<const uint16_t*>(rows.data) + index * rows.stride;
}

// One key along its row of each of its tiles.
void packKey(const uint16_t* key, int64_t headSize, const Packing& packing, uint16_t* out) {
    for (int64_t tile = 0; tile < packing.depthTiles; ++tile) {
        const int64_t first = tile * kTileDepth;
        const int64_t used = key ? std::min(headSize - first, kTileDepth) : 0;
        uint16_t* line = out + tile * kTileNumbers;
        if (used) std::memcpy(line, key + first, static_cast<size_t>(used) * sizeof(uint16_t));
        std::fill(line + used, line + kTileDepth, uint16_t{0});
    }
}

// One value down a column of each of its tiles.
void packValue(const uint16_t* value, int64_t headSize, const Packing& packing, uint16_t* out) {
    const int64_t padded = packing.valueTiles * kTileSide;
    for (int64_t i = 0; i < padded; ++i)
        out[i / kTileSide * kTileNumbers + i % kTileSide * kTileDepth] =
            value && i < headSize ? value[i] : uint16_t{0};
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
    for (int64_t i = begin; i < padded; ++i) {
        packKey(i < keys ? rowOf(key, i) : nullptr, headSize, packing,
                packedKeys + i / kTileSide * packing.depthTiles * kTileNumbers +
                    i % kTileSide * kTileDepth);
        packValue(i < keys ? rowOf(value, i) : nullptr, headSize, packing,
                  packedValues + i / kTileDepth * packing.valueTiles * kTileNumbers +
                      i % kTileDepth);
    }
}

// What a strip of queries keeps from step to step.
struct Strip {
    uint16_t* queries; // the right side of keys x queries: tiles [dimension / 32][2]
    float* sums;       // [dimension, query]
    float* subtracted; // per query, in powers of two: what is taken off its scores
    float* total;      // per query: the sum of its weights
};

struct Buffers {
    float* scores;     // [key, query] of a step
    uint16_t* weights; // the right side of values x weights: tiles [key / 32][2]
    Strip strips[kStrips];

    static size_t stripBytes(const Packing& packing) {
        return static_cast<size_t>(packing.depthTiles * 2 * kTileNumbers) * sizeof(uint16_t) +
               static_cast<size_t>((packing.valueTiles * kTileSide + 2) * kStrip) * sizeof(float);
    }
    static size_t bytes(int64_t headSize) {
        return kStepScores * (sizeof(float) + sizeof(uint16_t)) +
               kStrips * stripBytes(Packing(0, headSize));
    }

    Buffers(void* memory, const Packing& packing) {
        char* at = static_cast<char*>(memory);
        const auto take = [&](int64_t numbers, size_t size) {
            return std::exchange(at, at + static_cast<size_t>(numbers) * size);
        };
        const auto floats = [&](int64_t numbers) {
            return reinterpret_cast<float*>(take(numbers, sizeof(float)));
        };
        const auto halves = [&](int64_t numbers) {
            return reinterpret_cast<uint16_t*>(take(numbers, sizeof(uint16_t)));
        };
        scores = floats(kStepScores);
        weights = halves(kStepScores);
        for (Strip& strip : strips) {
            strip.queries = halves(packing.depthTiles * 2 * kTileNumbers);
            strip.sums = floats(packing.valueTiles * kTileSide * kStrip);
            strip.subtracted = floats(kStrip);
            strip.total = floats(kStrip);
        }
    }
};

size_t scratchBytes(int64_t headSize) {
    return Buffers::bytes(headSize); // all parts are whole cache lines
}

// 2^x within 1e-4 of the value, which is finer than bf16; 0 far below; NaN stays NaN. A minimax
// polynomial of our own (Remez) for the fraction.
inline __m512 powerOfTwo(__m512 x) {
    const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 fraction = _mm512_sub_ps(x, whole);
    __m512 value =
        _mm512_fmadd_ps(_mm512_set1_ps(0.05517167f), fraction, _mm512_set1_ps(0.24261112f));
    value = _mm512_fmadd_ps(value, fraction, _mm512_set1_ps(0.69326099f));
    value = _mm512_fmadd_ps(value, fraction, _mm512_set1_ps(0.99992807f));
    return _mm512_scalef_ps(value, whole);
}

// The largest score of 16 queries, NaN aside. In four chains: one would wait for each of its
// comparisons.
inline __m512 largestOf(const float* scores, int64_t keys) {
    constexpr int64_t kChains = 4;
    __m512 most[kChains];
    std::fill_n(most, kChains, _mm512_set1_ps(kNothing));
    int64_t key = 0;
    for (; key + kChains <= keys; key += kChains)
        for (int64_t chain = 0; chain < kChains; ++chain)
            most[chain] =
                _mm512_max_ps(_mm512_loadu_ps(scores + (key + chain) * kStrip), most[chain]);
    for (; key < keys; ++key)
        most[0] = _mm512_max_ps(_mm512_loadu_ps(scores + key * kStrip), most[0]);
    return _mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3]));
}

// Lets a query subtract more where its scores have grown by more than kGrowth: then, and only
// then, what was summed so far fades. Weights stay below 2^kGrowth meanwhile.
__m512 settle(Strip& strip, int64_t half, __m512 largest, int64_t dimensions) {
    constexpr float kGrowth = 8;
    float* subtracted = strip.subtracted + half * kTileSide;
    const __m512 before = _mm512_loadu_ps(subtracted);
    const __mmask16 grown =
        _mm512_cmp_ps_mask(largest, _mm512_add_ps(before, _mm512_set1_ps(kGrowth)), _CMP_GT_OQ);
    if (!grown) return before;
    const __m512 after = _mm512_mask_mov_ps(before, grown, largest);
    _mm512_storeu_ps(subtracted, after);
    const __m512 fade =
        _mm512_mask_mov_ps(_mm512_set1_ps(1), grown, powerOfTwo(_mm512_sub_ps(before, after)));
    float* total = strip.total + half * kTileSide;
    _mm512_storeu_ps(total, _mm512_mul_ps(_mm512_loadu_ps(total), fade));
    for (int64_t i = 0; i < dimensions; ++i) {
        float* sums = strip.sums + i * kStrip + half * kTileSide;
        _mm512_storeu_ps(sums, _mm512_mul_ps(_mm512_loadu_ps(sums), fade));
    }
    return after;
}

// Two keys' weights of 16 queries as a line of a tile.
inline void storePair(__m512 even, __m512 odd, uint16_t* line) {
    alignas(64) static constexpr uint16_t kInterleaved[32] = {
        0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const auto rounded = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
    _mm512_storeu_si512(line, _mm512_permutexvar_epi16(_mm512_load_si512(kInterleaved), rounded));
}

// The scores of 16 queries to weights, 2^(factor * score - what is subtracted).
void weigh(const Buffers& buffers, Strip& strip, int64_t half, int64_t keys, float factor,
           int64_t dimensions) {
    const float* scores = buffers.scores + half * kTileSide;
    const __m512 scale = _mm512_set1_ps(factor);
    const __m512 subtracted =
        settle(strip, half, _mm512_mul_ps(largestOf(scores, keys), scale), dimensions);
    const auto weight = [&](int64_t key) {
        return powerOfTwo(
            _mm512_fmsub_ps(_mm512_loadu_ps(scores + key * kStrip), scale, subtracted));
    };
    __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    uint16_t* line = buffers.weights + half * kTileNumbers;
    for (int64_t tile = 0; tile < keys; tile += kTileDepth, line += kTileNumbers)
        for (int64_t key = tile; key < tile + kTileDepth; key += 2, line += kTileLine) {
            const __m512 even = key < keys ? weight(key) : _mm512_setzero_ps();
            const __m512 odd = key + 1 < keys ? weight(key + 1) : _mm512_setzero_ps();
            sum[0] = _mm512_add_ps(sum[0], even);
            sum[1] = _mm512_add_ps(sum[1], odd);
            storePair(even, odd, line);
        }
    float* total = strip.total + half * kTileSide;
    _mm512_storeu_ps(total, _mm512_add_ps(_mm512_loadu_ps(total), _mm512_add_ps(sum[0], sum[1])));
}

// The dimensions of tile `tile` that a head has, as a mask.
inline __mmask32 usedOf(int64_t headSize, int64_t tile) {
    const int64_t used = std::min(headSize - tile * kTileDepth, kTileDepth);
    return static_cast<__mmask32>(~uint32_t{0} >> (kTileDepth - used));
}

// 0, step, 2 step, ...
inline __m512i placesApart(int step) {
    return _mm512_mullo_epi32(
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
        _mm512_set1_epi32(step));
}

// Queries [first, first + kStrip) of the block; zeros where it has no more.
void readQueries(const AttentionBlock& block, int64_t first, const Packing& packing,
                 const Strip& strip) {
    const __m512i places = placesApart(kTileSide); // of a column's pairs, in pairs
    const int64_t rows = std::min(kStrip, block.rows - first);
    if (rows < kStrip)
        std::fill_n(strip.queries, packing.depthTiles * 2 * kTileNumbers, uint16_t{0});
    for (int64_t row = 0; row < rows; ++row) {
        const uint16_t* query = rowOf(block.query, first + row);
        uint16_t* column = strip.queries + row / kTileSide * kTileNumbers + row % kTileSide * 2;
        for (int64_t tile = 0; tile < packing.depthTiles; ++tile)
            _mm512_i32scatter_epi32(
                column + tile * 2 * kTileNumbers, places,
                _mm512_maskz_loadu_epi16(usedOf(block.headSize, tile), query + tile * kTileDepth),
                sizeof(uint32_t));
    }
    std::fill_n(strip.sums, packing.valueTiles * kTileSide * kStrip, 0.0f);
    std::fill_n(strip.subtracted, kStrip, kNothing);
    std::fill_n(strip.total, kStrip, 0.0f);
}

void writeQueries(const AttentionBlock& block, int64_t first, const Packing& packing,
                  const Strip& strip) {
    const __m512i places = placesApart(kStrip); // of a query's sums
    const int64_t rows = std::min(kStrip, block.rows - first);
    for (int64_t row = 0; row < rows; ++row) {
        const __m512 factor = _mm512_set1_ps(1 / strip.total[row]);
        uint16_t* out = static_cast<uint16_t*>(block.output) + (first + row) * block.query.stride;
        for (int64_t tile = 0; tile < packing.depthTiles; ++tile) {
            const float* sums = strip.sums + tile * kTileDepth * kStrip + row;
            const bool both = tile * 2 + 1 < packing.valueTiles;
            const __m512 near = _mm512_i32gather_ps(places, sums, sizeof(float));
            const __m512 far =
                both ? _mm512_i32gather_ps(places, sums + kTileSide * kStrip, sizeof(float))
                     : _mm512_setzero_ps();
            const __m512bh rounded =
                _mm512_cvtne2ps_pbh(_mm512_mul_ps(far, factor), _mm512_mul_ps(near, factor));
            _mm512_mask_storeu_epi16(out + tile * kTileDepth, usedOf(block.headSize, tile),
                                     reinterpret_cast<__m512i>(rounded));
        }
    }
}

// Keys [first, first + count) for one strip.
void attendStep(const AttentionBlock& block, const Packing& packing, TileUnit unit,
                const Buffers& buffers, Strip& strip, int64_t first, int64_t count) {
    constexpr float kLog2E = 1.44269504f;
    const uint16_t* keys = static_cast<const uint16_t*>(block.packed);
    const uint16_t* values = keys + packing.keyNumbers();
    const int64_t depth = ceilDiv(count, kTileDepth);
    multiplyTiles(unit, {.left = keys + first / kTileSide * packing.depthTiles * kTileNumbers,
                         .leftRowStride = packing.depthTiles * kTileNumbers,
                         .leftDepthStride = kTileNumbers,
                         .right = strip.queries,
                         .rowTiles = depth * 2,
                         .depthTiles = packing.depthTiles,
                         .sums = buffers.scores,
                         .add = false});
    for (int64_t half = 0; half < 2; ++half)
        weigh(buffers, strip, half, count, block.scale * kLog2E, packing.valueTiles * kTileSide);
    multiplyTiles(unit, {.left = values + first / kTileDepth * packing.valueTiles * kTileNumbers,
                         .leftRowStride = kTileNumbers,
                         .leftDepthStride = packing.valueTiles * kTileNumbers,
                         .right = buffers.weights,
                         .rowTiles = packing.valueTiles,
                         .depthTiles = depth,
                         .sums = strip.sums,
                         .add = true});
}

void attend(const AttentionBlock& block) {
    const Packing packing(block.keys, block.headSize);
    Buffers buffers(block.scratch, packing);
    const int64_t strips = ceilDiv(block.rows, kStrip);
    for (int64_t strip = 0; strip < strips; ++strip)
        readQueries(block, strip * kStrip, packing, buffers.strips[strip]);
    const TileUnit unit = tileUnit();
    beginTiles(unit);
    for (int64_t first = 0; first < block.keys && !block.context->cancelled(); first += kKeyStep)
        for (int64_t strip = 0; strip < strips; ++strip)
            attendStep(block, packing, unit, buffers, buffers.strips[strip], first,
                       std::min(kKeyStep, block.keys - first));
    endTiles(unit);
    if (block.context->cancelled()) return;
    for (int64_t strip = 0; strip < strips; ++strip)
        writeQueries(block, strip * kStrip, packing, buffers.strips[strip]);
}

constexpr AttentionKernel kAttentionBf16{kStrips * kStrip, packedBytes, scratchBytes, pack, attend};

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
