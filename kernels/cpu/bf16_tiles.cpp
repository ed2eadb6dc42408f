#include "kernels/cpu/bf16_tiles.h"

#include "kernels/cpu/cpu_info.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

// GCC takes the undefined vectors that its intrinsics begin with for a mistake of theirs.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

// After the headers: what they define must stay runnable everywhere.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16")

namespace kinora::kernels::cpu {

namespace {

constexpr int64_t kSumRowBytes = sizeof(float);

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

constexpr int64_t kHalfStrip = kTileStrip / 2;

// Tiles 0 to 3: sums; 4 and 5: the left side's halves; 6 and 7: the right side. The numbers of
// tiles are part of the instructions.
void multiplyPairAmx(const TileProduct& p, const uint16_t* right, float* sums) {
    const int64_t sumBytes = p.sumStride * kSumRowBytes;
    const int64_t leftBytes = p.leftStride * 2;
    float* lower = sums + kHalfStrip * p.sumStride;
    if (p.add) {
        _tile_loadd(0, sums, sumBytes);
        _tile_loadd(1, sums + kTileColumns, sumBytes);
        _tile_loadd(2, lower, sumBytes);
        _tile_loadd(3, lower + kTileColumns, sumBytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    const uint16_t* left = p.left;
    for (int64_t depth = 0; depth < p.depthTiles; ++depth) {
        _tile_loadd(6, right, 64);
        _tile_loadd(4, left, leftBytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, right + p.rightColumnStride, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, left + kHalfStrip * p.leftStride, leftBytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        left += kTileDepth;
        right += p.rightDepthStride;
    }
    _tile_stored(0, sums, sumBytes);
    _tile_stored(1, sums + kTileColumns, sumBytes);
    _tile_stored(2, lower, sumBytes);
    _tile_stored(3, lower + kTileColumns, sumBytes);
}

void multiplySingleAmx(const TileProduct& p, const uint16_t* right, float* sums) {
    const int64_t sumBytes = p.sumStride * kSumRowBytes;
    const int64_t leftBytes = p.leftStride * 2;
    float* lower = sums + kHalfStrip * p.sumStride;
    if (p.add) {
        _tile_loadd(0, sums, sumBytes);
        _tile_loadd(2, lower, sumBytes);
    } else {
        _tile_zero(0);
        _tile_zero(2);
    }
    const uint16_t* left = p.left;
    for (int64_t depth = 0; depth < p.depthTiles; ++depth) {
        _tile_loadd(6, right, 64);
        _tile_loadd(4, left, leftBytes);
        _tile_loadd(5, left + kHalfStrip * p.leftStride, leftBytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        left += kTileDepth;
        right += p.rightDepthStride;
    }
    _tile_stored(0, sums, sumBytes);
    _tile_stored(2, lower, sumBytes);
}

void multiplyAmx(const TileProduct& p) {
    // GCC's loads of tiles do not say that they read memory.
    asm volatile("" ::: "memory");
    int64_t column = 0;
    for (; column + 2 <= p.columnTiles; column += 2)
        multiplyPairAmx(p, p.right + column * p.rightColumnStride, p.sums + column * kTileColumns);
    if (column < p.columnTiles)
        multiplySingleAmx(p, p.right + column * p.rightColumnStride,
                          p.sums + column * kTileColumns);
}

// kRows x kTiles * 16 sums in registers.
template <int kRows, int kTiles>
void multiplyDots(const TileProduct& p, const uint16_t* left, const uint16_t* right, float* sums) {
    __m512 sum[kRows][kTiles];
    for (int row = 0; row < kRows; ++row)
        for (int tile = 0; tile < kTiles; ++tile)
            sum[row][tile] = p.add ? _mm512_loadu_ps(sums + row * p.sumStride + tile * kTileColumns)
                                   : _mm512_setzero_ps();
    for (int64_t depth = 0; depth < p.depthTiles; ++depth) {
        for (int64_t pair = 0; pair < kTileDepth / 2; ++pair) {
            __m512i columns[kTiles];
            for (int tile = 0; tile < kTiles; ++tile)
                columns[tile] = _mm512_loadu_si512(right + tile * p.rightColumnStride +
                                                   pair * 2 * kTileColumns);
            for (int row = 0; row < kRows; ++row) {
                int two = 0;
                std::memcpy(&two, left + row * p.leftStride + pair * 2, sizeof(two));
                const auto both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(two));
                for (int tile = 0; tile < kTiles; ++tile)
                    sum[row][tile] = _mm512_dpbf16_ps(sum[row][tile], both,
                                                      reinterpret_cast<__m512bh>(columns[tile]));
            }
        }
        left += kTileDepth;
        right += p.rightDepthStride;
    }
    for (int row = 0; row < kRows; ++row)
        for (int tile = 0; tile < kTiles; ++tile)
            _mm512_storeu_ps(sums + row * p.sumStride + tile * kTileColumns, sum[row][tile]);
}

template <int kTiles> void multiplyColumnsByDots(const TileProduct& p, int64_t column) {
    constexpr int kRows = 8;
    static_assert(kTileStrip % kRows == 0);
    for (int64_t row = 0; row < kTileStrip; row += kRows)
        multiplyDots<kRows, kTiles>(p, p.left + row * p.leftStride,
                                    p.right + column * p.rightColumnStride,
                                    p.sums + row * p.sumStride + column * kTileColumns);
}

void multiplyByDots(const TileProduct& p) {
    int64_t column = 0;
    for (; column + 3 <= p.columnTiles; column += 3) multiplyColumnsByDots<3>(p, column);
    if (p.columnTiles - column == 2) multiplyColumnsByDots<2>(p, column);
    if (p.columnTiles - column == 1) multiplyColumnsByDots<1>(p, column);
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
