// Shares Winograd's convolution out among the threads.
//
// Tiles are counted through all pictures and taken in strips, so that scratch memory stays small.
// Each strip goes through three phases: patches are transformed, 36 matrix products follow, and
// what they give is transformed back.

#include "kernels/cpu/winograd.h"

#include "kernels/cpu/winograd_kernel.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

namespace kinora::kernels::cpu {

namespace {

using namespace winograd;

constexpr int64_t kStripBytes = int64_t{24} << 20; // of transformed numbers, before and after

// Where the tiles of one axis begin. With dilation a tile is every dilation-th row: each of the
// first `dilation` rows begins a series of its own.
std::vector<int64_t> tileStarts(int64_t extent, int64_t dilation) {
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

// Tiles of one strip, at most: what is transformed fits into kStripBytes.
int64_t stripTiles(int64_t inputs, int64_t outputs) {
    const int64_t tileBytes = kProducts * (inputs + outputs) * int64_t{sizeof(float)};
    return std::max<int64_t>(kStripBytes / tileBytes, 32);
}

struct Strip {
    int64_t first, count;
    TileLayout patches, products;

    Strip(int64_t begin, int64_t end, const PackedWeight& weight)
        : first(begin), count(end - begin), patches{count, weight.inputs, kGroup},
          products{count, weight.outputs, kPanel} {}
};

struct Buffers {
    float *patches, *products;
    const float* zeros; // a pixel outside of the picture
};

void multiplyStrip(Context& context, const Strip& strip, const Buffers& buffers,
                   const PackedWeight& weight) {
    const int64_t panels = weight.outputs / kPanel;
    const int64_t panelFloats = weight.inputs * kPanel;
    const float* kernels = static_cast<const float*>(weight.storage.data());
    parallelFor(context, kProducts * panels, 1, [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
            const int64_t place = item / panels, panel = item % panels;
            multiplyPanel(buffers.patches + place * strip.patches.productFloats(),
                          kernels + item * panelFloats, strip.count, weight.inputs,
                          buffers.products + place * strip.products.productFloats() +
                              panel * strip.products.blockFloats());
        }
    });
}

void convolveStrip(Context& context, const Conv2dArgs& args, const Tiling& tiling,
                   const Strip& strip, const Buffers& buffers) {
    parallelFor(context, strip.count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row)
            transformPatch(tiling.patch(strip.first + row, buffers.zeros).data(), strip.patches,
                           row, buffers.patches);
    });
    multiplyStrip(context, strip, buffers, *args.weight);
    const float* bias = static_cast<const float*>(args.bias.data);
    parallelFor(context, strip.count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const auto pixels = tiling.pixels(args.output, strip.first + row);
            if (!args.residual.data) {
                transformTile(buffers.products, strip.products, row, bias, nullptr, pixels.data());
                continue;
            }
            const auto residual = tiling.pixels(args.residual, strip.first + row);
            transformTile(buffers.products, strip.products, row, bias, residual.data(),
                          pixels.data());
        }
    });
}

} // namespace

bool winogradPays(const PackedWeight& weight, int stride) {
    constexpr int64_t kMostWeights = 1'250'000;
    return weight.dtype == DType::F32 && stride <= 1 && weight.kernelHeight == 3 &&
           weight.kernelWidth == 3 && weight.inputs >= 64 && weight.outputs >= 64 &&
           weight.inputs % kGroup == 0 && weight.outputs % kPanel == 0 &&
           weight.inputs * weight.outputs <= kMostWeights;
}

void packForWinograd(Context& context, PackedWeight& weight, const void* plain) {
    weight.winograd = true;
    weight.reportedBytes =
        static_cast<size_t>(kProducts * weight.outputs * weight.inputs) * sizeof(float);
    if (context.planning()) return;
    weight.storage = HostBlock(weight.reportedBytes);
    parallelFor(context, weight.outputs / kPanel, 1, [&](int64_t begin, int64_t end) {
        for (int64_t panel = begin; panel < end; ++panel)
            transformKernels(static_cast<const float*>(plain), weight.outputs, weight.inputs, panel,
                             static_cast<float*>(weight.storage.data()));
    });
}

void convolveByWinograd(Context& context, const Conv2dArgs& args) {
    if (args.strideHeight != 1 || args.strideWidth != 1)
        throw std::invalid_argument("the weight was packed for stride 1");
    const PackedWeight& weight = *args.weight;
    const Tiling tiling(args);
    const int64_t tiles = tiling.count();
    const int64_t most = stripTiles(weight.inputs, weight.outputs);
    const int64_t strips = (tiles + most - 1) / most;
    const Strip largest(0, (tiles + strips - 1) / strips, weight);
    const auto bytes = [](int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); };
    const Scratch patches(context, bytes(largest.patches.floats()));
    const Scratch products(context, bytes(largest.products.floats()));
    const Scratch zeros(context, bytes(weight.inputs));
    if (context.planning()) return;
    std::fill_n(zeros.as<float>(), weight.inputs, 0.0f);
    const Buffers buffers{patches.as<float>(), products.as<float>(), zeros.as<float>()};
    for (int64_t strip = 0; strip < strips; ++strip) {
        checkCancelled(context);
        convolveStrip(context, args, tiling,
                      {tiles * strip / strips, tiles * (strip + 1) / strips, weight}, buffers);
    }
}

} // namespace kinora::kernels::cpu
