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

// Tiles 0 to 3: sums; 4 and 5: one or two tiles of the left side, one below the other; 6 and 7: the
// right side. The numbers of tiles are part of the instructions.
template <bool kTwo>
void multiplyRowTiles(const TileProduct& p, const uint16_t* left, float* sums) {
    const int64_t leftLineBytes = p.leftLineStride * static_cast<int64_t>(sizeof(uint16_t));
    const uint16_t* next = p.next;
    float* lower = sums + kTileSide * kProductWidth;
    if (p.add) {
        _tile_loadd(0, sums, kSumBytes);
        _tile_loadd(1, sums + kTileSide, kSumBytes);
        if constexpr (kTwo) {
            _tile_loadd(2, lower, kSumBytes);
            _tile_loadd(3, lower + kTileSide, kSumBytes);
        }
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    const uint16_t* right = p.right;
    for (int64_t depth = 0; depth < p.depthTiles; ++depth) {
        _tile_loadd(4, left, leftLineBytes);
        _tile_loadd(6, right, kLineBytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, right + kTileNumbers, kLineBytes);
        _tile_dpbf16ps(1, 4, 7);
        for (int64_t line = 0; line < p.nextLines; ++line, next += kTileLine)
            _mm_prefetch(reinterpret_cast<const char*>(next), _MM_HINT_T1);
        if constexpr (kTwo) {
            _tile_loadd(5, left + p.leftRowStride, leftLineBytes);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        left += p.leftDepthStride;
        right += 2 * kTileNumbers;
    }
    _tile_stored(0, sums, kSumBytes);
    _tile_stored(1, sums + kTileSide, kSumBytes);
    if constexpr (kTwo) {
        _tile_stored(2, lower, kSumBytes);
        _tile_stored(3, lower + kTileSide, kSumBytes);
    }
}

void multiplyAmx(const TileProduct& p) {
    // GCC's loads of tiles do not say that they read memory.
    asm volatile("" ::: "memory");
    int64_t row = 0;
    for (; row + 2 <= p.rowTiles; row += 2)
        multiplyRowTiles<true>(p, p.left + row * p.leftRowStride,
                               p.sums + row * kTileSide * kProductWidth);
    if (row < p.rowTiles)
        multiplyRowTiles<false>(p, p.left + row * p.leftRowStride,
                                p.sums + row * kTileSide * kProductWidth);
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
