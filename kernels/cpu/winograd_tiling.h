#pragma once
// Where the tiles of Winograd's convolution lie in its pictures. Private to kernels/cpu.

#include "kernels/backend/backend_table.h"
#include "kernels/cpu/winograd_kernel.h"

#include <algorithm>
#include <array>
#include <vector>

namespace kinora::kernels::cpu::winograd {

// Where the tiles of one axis begin. With dilation a tile is every dilation-th row: each of the
// first `dilation` rows begins a series of its own.
inline std::vector<int64_t> tileStarts(int64_t extent, int64_t dilation) {
    std::vector<int64_t> starts;
    for (int64_t first = 0; first < std::min(dilation, extent); ++first)
        for (int64_t start = first; start < extent; start += kTile * dilation)
            starts.push_back(start);
    return starts;
}

// One call: where its tiles lie in its pictures.
class Tiling {
  public:
    explicit Tiling(const Conv2dArgs& args)
        : m_args(args), m_rows(tileStarts(args.output.dims[1], args.dilationHeight)),
          m_columns(tileStarts(args.output.dims[2], args.dilationWidth)) {}

    int64_t count() const { return m_args.output.dims[0] * tilesOf(m_rows) * tilesOf(m_columns); }

    // The pixels of the input under a tile; `outside` where there is padding.
    std::array<const float*, kProducts> patch(int64_t tile, const float* outside) const {
        std::array<const float*, kProducts> pixels;
        const Corner corner = cornerOf(tile);
        for (int64_t place = 0; place < kProducts; ++place) {
            const int64_t y = corner.y - m_args.padTop + place / kPatch * m_args.dilationHeight;
            const int64_t x = corner.x - m_args.padLeft + place % kPatch * m_args.dilationWidth;
            const float* pixel = pixelOf(m_args.input, corner.picture, y, x);
            pixels[static_cast<size_t>(place)] = pixel ? pixel : outside;
        }
        return pixels;
    }

    // The pixels of the output, or of the residual, that a tile has; null where it reaches beyond.
    std::array<float*, kTile * kTile> pixels(const TensorRef& of, int64_t tile) const {
        std::array<float*, kTile * kTile> pixels;
        const Corner corner = cornerOf(tile);
        for (int64_t place = 0; place < kTile * kTile; ++place)
            pixels[static_cast<size_t>(place)] =
                pixelOf(of, corner.picture, corner.y + place / kTile * m_args.dilationHeight,
                        corner.x + place % kTile * m_args.dilationWidth);
        return pixels;
    }

  private:
    struct Corner {
        int64_t picture, y, x;
    };

    static int64_t tilesOf(const std::vector<int64_t>& starts) {
        return static_cast<int64_t>(starts.size());
    }

    Corner cornerOf(int64_t tile) const {
        const int64_t row = tile / tilesOf(m_columns);
        return {row / tilesOf(m_rows), m_rows[static_cast<size_t>(row % tilesOf(m_rows))],
                m_columns[static_cast<size_t>(tile % tilesOf(m_columns))]};
    }

    static float* pixelOf(const TensorRef& pictures, int64_t picture, int64_t y, int64_t x) {
        const int64_t height = pictures.dims[1], width = pictures.dims[2];
        if (y < 0 || y >= height || x < 0 || x >= width) return nullptr;
        return static_cast<float*>(pictures.data) +
               ((picture * height + y) * width + x) * pictures.dims[3];
    }

    const Conv2dArgs& m_args;
    std::vector<int64_t> m_rows, m_columns;
};

} // namespace kinora::kernels::cpu::winograd
