#pragma once
// Small matrix products of bfloat16 on x86, by AMX or by AVX-512's dot products. Private to
// kernels/cpu.
//
// The right side is stored in tiles of 32 x 16 numbers (1 KiB) as both want it: row r of a tile
// holds, for each of its 16 columns, the numbers 2r and 2r + 1 of that column.

#include <cstdint>

namespace kinora::kernels::cpu {

inline constexpr int64_t kTileDepth = 32;                          // rows of the right side
inline constexpr int64_t kTileColumns = 16;                        // its columns
inline constexpr int64_t kTileNumbers = kTileDepth * kTileColumns; // in a tile
inline constexpr int64_t kTileStrip = 32;                          // rows of the left side

struct TileProduct {
    const uint16_t* left; // [kTileStrip, depthTiles * kTileDepth], bf16
    int64_t leftStride;   // numbers from row to row
    const uint16_t* right;
    int64_t rightDepthStride;  // numbers from one tile to the one below it
    int64_t rightColumnStride; // numbers from one tile to the one beside it
    int64_t depthTiles, columnTiles;
    float* sums; // [kTileStrip, columnTiles * kTileColumns]
    int64_t sumStride;
    bool add; // to what is there
};

enum class TileUnit { None, Avx512Bf16, Amx };

// The fastest that this processor has, that the system lets programs use, and that is within the
// limit on oneDNN's instruction sets.
TileUnit tileUnit();

// Prepares the calling thread; endTiles() when it is done. Nothing else may use AMX between.
void beginTiles(TileUnit unit);
void endTiles(TileUnit unit);

// Each sum has its order of additions from the unit alone.
void multiplyTiles(TileUnit unit, const TileProduct& product);

} // namespace kinora::kernels::cpu
