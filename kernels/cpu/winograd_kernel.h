#pragma once
// The arithmetic of Winograd's convolution F(4x4, 3x3) for one tile, one panel, compiled once per
// instruction set. Private to kernels/cpu; winograd.cpp shares the work out.
//
// A tile is 4 x 4 pixels of the output; it is made from a patch of 6 x 6 pixels of the input, of
// which 36 numbers per channel are made that multiply into one kernel's 36: a quarter of the
// multiplications of the definition. Source: Lavin and Gray 2016, "Fast Algorithms for
// Convolutional Neural Networks". The points are 0, 3/4, -3/4, 3/2, -3/2 and infinity where that
// paper has 0, 1, -1, 2, -2: a third of the error, and every factor is still exact in f32.

#include <cstdint>

namespace kinora::kernels::cpu::winograd {

inline constexpr int64_t kTile = 4;      // pixels of output in each direction
inline constexpr int64_t kPatch = 6;     // pixels of input in each direction
inline constexpr int64_t kKernel = 3;    // numbers of a kernel in each direction
inline constexpr int64_t kProducts = 36; // matrix products: one for each place of a patch
inline constexpr int64_t kGroup = 16;    // inputs that lie together: a cache line
inline constexpr int64_t kPanel = 32;    // outputs that are computed together

// How the numbers of `rows` tiles lie: [36][channels / width][rows][width], with a cache line
// after each of the 36, so that their addresses do not all fall into the same set of a cache.
struct TileLayout {
    int64_t rows, channels, width; // width: kGroup before the products, kPanel after them

    int64_t blockFloats() const { return rows * width; }
    int64_t productFloats() const { return rows * channels + kGroup; }
    int64_t floats() const { return kProducts * productFloats(); }
};

// Outputs [32 * panel, 32 * (panel + 1)) of plain kernels [outputs, inputs, 3, 3], transformed in
// double and rounded once, into packed [36][outputs / 32][inputs][32].
void transformKernels(const float* plain, int64_t outputs, int64_t inputs, int64_t panel,
                      float* packed);

// The patch's 36 pixels, row by row, with `channels` floats each -> row `row` of `tiles`.
void transformPatch(const float* const* pixels, const TileLayout& layout, int64_t row,
                    float* tiles);

// The same in f32, as they are needed: plain [inputs][9][32] -> packed [36][inputs][32], with
// `placeFloats` from one of the 36 to the next.
void transformPlainKernels(const float* plain, int64_t inputs, int64_t placeFloats, float* packed);

// One of the 36 products for 32 outputs.
struct PanelProduct {
    const float* left;  // [inputs / 16][rows][16]
    const float* right; // [inputs][32]
    const float* next;  // what will be `right` next, fetched meanwhile; any address will do
    int64_t rows, inputs;
    float* sums; // [rows][32]
    bool add;    // to what is there
};

// A row's sums are the same in whatever company it is.
void multiplyPanel(const PanelProduct& product);

// Row `row` of `tiles` -> the tile's 16 pixels of the output, row by row; null where they lie
// outside. bias and the pixels of residual are added, and may be null.
void transformTile(const float* tiles, const TileLayout& layout, int64_t row, const float* bias,
                   const float* const* residual, float* const* pixels);

} // namespace kinora::kernels::cpu::winograd
