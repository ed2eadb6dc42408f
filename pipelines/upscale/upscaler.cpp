#include "pipelines/upscale/upscaler.h"

#include "kernels/base/rounding.h"
#include "pipelines/blocks/tiles.h"

#include <algorithm>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using kernels::Tensor;

constexpr int64_t kChannels = 3;
constexpr int64_t kOverlapShare = 8; // of a tile's side

// A position beyond the end is read where a mirror on the last pixel shows it.
int64_t mirrored(int64_t at, int64_t length) {
    return at < length ? at : std::max<int64_t>(0, 2 * length - 2 - at);
}

struct Tile {
    Span rows, columns; // in steps of the network's unshuffle
};

std::vector<float> cut(const HostPicture& picture, const Tile& tile, int64_t step) {
    std::vector<float> part;
    for (int64_t y = tile.rows.begin * step; y < tile.rows.end * step; ++y)
        for (int64_t x = tile.columns.begin * step; x < tile.columns.end * step; ++x) {
            const int64_t from =
                mirrored(y, picture.height) * picture.width + mirrored(x, picture.width);
            const float* pixel = &picture.pixels[static_cast<size_t>(from * kChannels)];
            part.insert(part.end(), pixel, pixel + kChannels);
        }
    return part;
}

// step: pixels of the large picture for each of the spans'.
void add(const std::vector<float>& tileValues, const Tile& tile, int64_t step,
         HostPicture& picture) {
    const auto place = [step](int64_t at) {
        return (static_cast<double>(at) + 0.5) / static_cast<double>(step);
    };
    const int64_t left = tile.columns.begin * step, right = tile.columns.end * step;
    std::vector<double> columnWeights;
    for (int64_t x = left; x < right; ++x)
        columnWeights.push_back(weightAt(tile.columns, place(x)));
    const float* row = tileValues.data();
    const int64_t bottom = std::min(tile.rows.end * step, picture.height);
    for (int64_t y = tile.rows.begin * step; y < bottom; ++y, row += (right - left) * kChannels) {
        const double rowWeight = weightAt(tile.rows, place(y));
        for (int64_t x = left; x < std::min(right, picture.width); ++x) {
            const auto weight =
                static_cast<float>(rowWeight * columnWeights[static_cast<size_t>(x - left)]);
            const float* from = row + (x - left) * kChannels;
            float* to = &picture.pixels[static_cast<size_t>((y * picture.width + x) * kChannels)];
            for (int64_t c = 0; c < kChannels; ++c) to[c] += weight * from[c];
        }
    }
}

std::vector<Tile> tilesOf(const HostPicture& picture, int64_t tile, int64_t step) {
    const Tiling tiling{tile / step, tile / step / kOverlapShare};
    std::vector<Tile> tiles;
    for (const Span& rows : spansOf(roundUp(picture.height, step) / step, tiling))
        for (const Span& columns : spansOf(roundUp(picture.width, step) / step, tiling))
            tiles.push_back({rows, columns});
    return tiles;
}

} // namespace

Upscaler::Upscaler(const UpscalerFile& file, kernels::Device& device, DType compute)
    : m_config(file.config()), m_device(device) {
    const Weights weights(file.weights(), device, compute);
    m_network = m_config.kind->make(m_config, weights);
    m_unused = weights.unused();
}

int64_t Upscaler::tiles(const HostPicture& picture, int64_t tile) const {
    return std::ssize(tilesOf(picture, tile, m_config.unshuffle));
}

HostPicture Upscaler::operator()(const HostPicture& picture, int64_t tileSide,
                                 const std::function<void(int64_t, int64_t)>& done) const {
    const int64_t step = m_config.unshuffle, scale = m_config.scale;
    const std::vector<Tile> tiles = tilesOf(picture, tileSide, step);
    const auto shapeOf = [step](const Tile& tile) {
        return kernels::Shape{1, (tile.rows.end - tile.rows.begin) * step,
                              (tile.columns.end - tile.columns.begin) * step, kChannels};
    };
    HostPicture large{picture.width * scale, picture.height * scale, {}};
    if (!m_device.hasNumbers()) { // all tiles are equal
        (*m_network)(m_device.empty(shapeOf(tiles.front()), DType::F32));
        return large;
    }
    large.pixels.resize(static_cast<size_t>(large.width * large.height * kChannels));
    int64_t finished = 0;
    for (const Tile& tile : tiles) {
        m_device.cancelToken().check();
        const std::vector<float> part = cut(picture, tile, step);
        const Tensor result =
            (*m_network)(m_device.fromHost(part.data(), shapeOf(tile), DType::F32));
        add(m_device.toHost<float>(result), tile, step * scale, large);
        if (done) done(++finished, std::ssize(tiles));
    }
    for (float& value : large.pixels) value = std::clamp(value, 0.0f, 1.0f);
    return large;
}

} // namespace kinora::pipelines
