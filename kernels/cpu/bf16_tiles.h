#pragma once
// Small matrix products of bfloat16 on x86, by AMX or by AVX-512's dot products. Private to
// kernels/cpu.
//
// A tile of the left side is 16 rows of 32 numbers, packed into 1 KiB or part of a larger matrix. A
// tile of the right side is 32 rows of 16 numbers in 1 KiB, in pairs as the instructions want them:
// its r-th line of 64 bytes holds, for each of its 16 columns, the numbers of rows 2r and 2r + 1.

#include <cstdint>

namespace kinora::kernels::cpu {

inline constexpr int64_t kTileDepth = 32; // columns of the left side, rows of the right one
inline constexpr int64_t kTileSide = 16;  // rows of the left side, columns of the right one
inline constexpr int64_t kTileNumbers = kTileDepth * kTileSide;
inline constexpr int64_t kTileLine = 32;                // numbers in a line of 64 bytes
inline constexpr int64_t kProductWidth = 2 * kTileSide; // columns of a product

// sums [rowTiles * 16, 32] = left x right, or added to what is there.
struct TileProduct {
    const uint16_t* left;
    int64_t leftRowStride;   // numbers from one tile to the one below it
    int64_t leftDepthStride; // numbers from one tile to the one to its right
    const uint16_t* right;   // tiles [depthTiles][2]
    int64_t rowTiles, depthTiles;
    float* sums;
    bool add;
    int64_t leftLineStride =
        kTileDepth; // numbers from one row of a tile of the left side to the next
    // What is wanted next is brought into the second-level cache meanwhile: so many lines of 64
    // bytes at each tile of depth, from here on.
    const uint16_t* next = nullptr;
    int64_t nextLines = 0;
};

enum class TileUnit { None, Avx512Bf16, Amx };

// The fastest that this processor has, that the system lets programs use, and that is within the
// limit on oneDNN's instruction sets.
TileUnit tileUnit();

// Prepares the calling thread; endTiles() when it is done. Nothing else may use AMX between.
void beginTiles(TileUnit unit);
void endTiles(TileUnit unit);

// The order of additions depends on the unit alone.
void multiplyTiles(TileUnit unit, const TileProduct& product);

} // namespace kinora::kernels::cpu
