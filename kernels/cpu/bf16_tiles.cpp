#include "kernels/cpu/bf16_tiles.h"

#include "kernels/cpu/cpu_info.h"

#if defined(__x86_64__)

#include "kernels/cpu/x86_intrinsics.h"

#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

// After the headers: what they define must stay runnable everywhere.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16")

namespace kinora::kernels::cpu {

namespace {

// The system gives the tile registers to programs that ask.
bool mayUseTileRegisters() {
    constexpr long kRequestPermission = 0x1023; // ARCH_REQ_XCOMP_PERM
    constexpr long kTileData = 18;              // XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// All eight tiles: 16 rows of 64 bytes.
struct alignas(64) TileConfig {
    uint8_t palette = 1;
    uint8_t startRow = 0;
    uint8_t reserved[14] = {};
    uint16_t rowBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

constexpr int64_t kSumBytes = kProductWidth * sizeof(float); // a row of sums
constexpr int64_t kLineBytes = 64;

// Tiles 0 to 3: sums; 4 and 5: two tiles of the left side, one below the other; 6 and 7: the right
// side. The numbers of tiles are part of the instructions. What is used once, sums and the left
// side, is read past the first-level cache, which the right side stays in.
inline void loadOperands(const TileProduct& p, const uint16_t* left, const uint16_t* right) {
    const int64_t lineBytes = p.leftLineStride * static_cast<int64_t>(sizeof(uint16_t));
    _tile_stream_loadd(4, left, lineBytes);
    _tile_loadd(6, right, kLineBytes);
    _tile_loadd(7, right + kTileNumbers, kLineBytes);
    _tile_stream_loadd(5, left + p.leftRowStride, lineBytes);
}

inline void fetchNext(const TileProduct& p, const uint16_t*& next) {
    for (int64_t line = 0; line < p.nextLines; ++line, next += kTileLine)
        _mm_prefetch(reinterpret_cast<const char*>(next), _MM_HINT_T1);
}

// The sums of a tile are stored, and those of the tile that comes after it are begun.
#define KINORA_TURN(TILE, FROM, TO)                                                                \
    _tile_stored(TILE, FROM, kSumBytes);                                                           \
    if constexpr (kAdd)                                                                            \
        _tile_stream_loadd(TILE, TO, kSumBytes);                                                   \
    else                                                                                           \
        _tile_zero(TILE)

// Pairs of rows of tiles. Operands are loaded a tile of depth ahead, over the end of a pair too, so
// that the multiplier does not wait while sums change places.
template <bool kAdd> void multiplyPairs(const TileProduct& p, int64_t pairs) {
    const int64_t lower = kTileSide * kProductWidth;
    const int64_t lineBytes = p.leftLineStride * static_cast<int64_t>(sizeof(uint16_t));
    const uint16_t* next = p.next;
    const uint16_t* start = p.left;
    float* sums = p.sums;
    if constexpr (kAdd) {
        _tile_stream_loadd(0, sums, kSumBytes);
        _tile_stream_loadd(1, sums + kTileSide, kSumBytes);
        _tile_stream_loadd(2, sums + lower, kSumBytes);
        _tile_stream_loadd(3, sums + lower + kTileSide, kSumBytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    loadOperands(p, start, p.right);
    for (int64_t pair = 0; pair < pairs; ++pair) {
        const uint16_t* left = start;
        const uint16_t* right = p.right;
        const bool more = pair + 1 < pairs;
        if (more) start += 2 * p.leftRowStride;
        for (int64_t depth = 1; depth <= p.depthTiles; ++depth) {
            const bool last = depth == p.depthTiles; // then what follows is the next pair's
            left = last ? start : left + p.leftDepthStride;
            right = last ? p.right : right + 2 * kTileNumbers;
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_stream_loadd(4, left, lineBytes);
            _tile_dpbf16ps(2, 5, 6);
            _tile_loadd(6, right, kLineBytes);
            _tile_dpbf16ps(3, 5, 7);
            _tile_loadd(7, right + kTileNumbers, kLineBytes);
            _tile_stream_loadd(5, left + p.leftRowStride, lineBytes);
            fetchNext(p, next);
        }
        float* after = more ? sums + 2 * lower : sums;
        KINORA_TURN(0, sums, after);
        KINORA_TURN(1, sums + kTileSide, after + kTileSide);
        KINORA_TURN(2, sums + lower, after + lower);
        KINORA_TURN(3, sums + lower + kTileSide, after + lower + kTileSide);
        sums = after;
    }
}

#undef KINORA_TURN

// A row of tiles without another below it.
void multiplyRow(const TileProduct& p, const uint16_t* left, float* sums, const uint16_t* next) {
    const int64_t lineBytes = p.leftLineStride * static_cast<int64_t>(sizeof(uint16_t));
    if (p.add) {
        _tile_stream_loadd(0, sums, kSumBytes);
        _tile_stream_loadd(1, sums + kTileSide, kSumBytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
    }
    const uint16_t* right = p.right;
    for (int64_t depth = 0; depth < p.depthTiles; ++depth) {
        _tile_stream_loadd(4, left, lineBytes);
        _tile_loadd(6, right, kLineBytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, right + kTileNumbers, kLineBytes);
        _tile_dpbf16ps(1, 4, 7);
        fetchNext(p, next);
        left += p.leftDepthStride;
        right += 2 * kTileNumbers;
    }
    _tile_stored(0, sums, kSumBytes);
    _tile_stored(1, sums + kTileSide, kSumBytes);
}

void multiplyAmx(const TileProduct& p) {
    // GCC's loads of tiles do not say that they read memory.
    asm volatile("" ::: "memory");
    const int64_t pairs = p.rowTiles / 2;
    if (pairs > 0) p.add ? multiplyPairs<true>(p, pairs) : multiplyPairs<false>(p, pairs);
    if (p.rowTiles % 2 == 1)
        multiplyRow(p, p.left + 2 * pairs * p.leftRowStride,
                    p.sums + 2 * pairs * kTileSide * kProductWidth,
                    p.next + pairs * p.depthTiles * p.nextLines * kTileLine);
}

constexpr int kDotRows = 8; // 8 x 2 sums in registers

void multiplyDotRows(const TileProduct& p, const uint16_t* left, float* sums) {
    __m512 sum[kDotRows][2];
    for (int row = 0; row < kDotRows; ++row)
        for (int half = 0; half < 2; ++half)
            sum[row][half] = p.add ? _mm512_loadu_ps(sums + row * kProductWidth + half * kTileSide)
                                   : _mm512_setzero_ps();
    const uint16_t* right = p.right;
    for (int64_t depth = 0; depth < p.depthTiles; ++depth) {
        for (int64_t pair = 0; pair < kTileDepth / 2; ++pair) {
            const auto near =
                reinterpret_cast<__m512bh>(_mm512_loadu_si512(right + pair * kTileLine));
            const auto far = reinterpret_cast<__m512bh>(
                _mm512_loadu_si512(right + kTileNumbers + pair * kTileLine));
            for (int row = 0; row < kDotRows; ++row) {
                int two = 0;
                std::memcpy(&two, left + row * p.leftLineStride + pair * 2, sizeof(two));
                const auto both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(two));
                sum[row][0] = _mm512_dpbf16_ps(sum[row][0], both, near);
                sum[row][1] = _mm512_dpbf16_ps(sum[row][1], both, far);
            }
        }
        left += p.leftDepthStride;
        right += 2 * kTileNumbers;
    }
    for (int row = 0; row < kDotRows; ++row)
        for (int half = 0; half < 2; ++half)
            _mm512_storeu_ps(sums + row * kProductWidth + half * kTileSide, sum[row][half]);
}

void multiplyByDots(const TileProduct& p) {
    static_assert(kTileSide == 2 * kDotRows);
    for (int64_t tile = 0; tile < p.rowTiles; ++tile) {
        const uint16_t* left = p.left + tile * p.leftRowStride;
        float* sums = p.sums + tile * kTileSide * kProductWidth;
        multiplyDotRows(p, left, sums);
        multiplyDotRows(p, left + kDotRows * p.leftLineStride, sums + kDotRows * kProductWidth);
    }
}

} // namespace

TileUnit tileUnit() {
    static const TileUnit unit = [] {
        if (!hasFastBf16()) return TileUnit::None;
        return hasAmx() && mayUseTileRegisters() ? TileUnit::Amx : TileUnit::Avx512Bf16;
    }();
    return unit;
}

void beginTiles(TileUnit unit) {
    static constexpr TileConfig kConfig;
    if (unit == TileUnit::Amx) _tile_loadconfig(&kConfig);
}

void endTiles(TileUnit unit) {
    if (unit == TileUnit::Amx) _tile_release();
}

void multiplyTiles(TileUnit unit, const TileProduct& product) {
    if (unit == TileUnit::Amx) return multiplyAmx(product);
    multiplyByDots(product);
}

} // namespace kinora::kernels::cpu

#pragma GCC pop_options

#else

namespace kinora::kernels::cpu {

TileUnit tileUnit() {
    return TileUnit::None;
}
void beginTiles(TileUnit) {}
void endTiles(TileUnit) {}
void multiplyTiles(TileUnit, const TileProduct&) {}

} // namespace kinora::kernels::cpu

#endif
