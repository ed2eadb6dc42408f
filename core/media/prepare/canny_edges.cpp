#include "core/media/prepare/preparations.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace kinora::core {
namespace {

constexpr int kWeak = 100, kStrong = 200; // of |dx| + |dy|, on pixels from 0 to 255

struct Slope {
    int x = 0, y = 0;
    int strength() const { return std::abs(x) + std::abs(y); }
};

// One for each pixel, with one more on each side where there is none.
struct SlopeMap {
    int width, height;
    std::vector<Slope> slopes;

    SlopeMap(int w, int h)
        : width(w), height(h), slopes((static_cast<size_t>(w) + 2) * (static_cast<size_t>(h) + 2)) {
    }
    size_t index(int x, int y) const {
        return (static_cast<size_t>(y) + 1) * (static_cast<size_t>(width) + 2) +
               static_cast<size_t>(x) + 1;
    }
    const Slope& at(int x, int y) const { return slopes[index(x, y)]; }
};

// Sobel's slopes of the channel that has the steepest; the outermost pixels repeat.
SlopeMap slopesOf(const Image& picture) {
    const std::vector<uint8_t> bytes = toBytes(picture);
    const int channels = picture.channels;
    SlopeMap map(picture.width, picture.height);
    const auto value = [&](int x, int y, int channel) {
        const auto column = static_cast<size_t>(std::clamp(x, 0, picture.width - 1));
        const auto row = static_cast<size_t>(std::clamp(y, 0, picture.height - 1));
        return static_cast<int>(bytes[(row * static_cast<size_t>(picture.width) + column) *
                                          static_cast<size_t>(channels) +
                                      static_cast<size_t>(channel)]);
    };
    for (int y = 0; y < picture.height; ++y)
        for (int x = 0; x < picture.width; ++x) {
            Slope steepest;
            for (int c = 0; c < channels; ++c) {
                const auto across = [&](int row) {
                    return value(x + 1, row, c) - value(x - 1, row, c);
                };
                const auto down = [&](int column) {
                    return value(column, y + 1, c) - value(column, y - 1, c);
                };
                const Slope slope{across(y - 1) + 2 * across(y) + across(y + 1),
                                  down(x - 1) + 2 * down(x) + down(x + 1)};
                if (c == 0 || slope.strength() > steepest.strength()) steepest = slope;
            }
            map.slopes[map.index(x, y)] = steepest;
        }
    return map;
}

// Whether no neighbour along the slope is stronger. Directions change at 22.5 and 67.5 degrees; in
// whole numbers, as OpenCV has them, so that equal pictures give equal edges.
bool isRidge(const SlopeMap& map, int x, int y) {
    constexpr int64_t kTangent = 13573; // of 22.5 degrees, times 2^15
    const Slope slope = map.at(x, y);
    const int own = slope.strength();
    const auto strength = [&](int dx, int dy) { return map.at(x + dx, y + dy).strength(); };
    const int64_t across = std::abs(slope.x), down = int64_t{std::abs(slope.y)} << 15;
    const int64_t flat = across * kTangent, steep = flat + (across << 16);
    if (down < flat) return own > strength(-1, 0) && own >= strength(1, 0);
    if (down > steep) return own > strength(0, -1) && own >= strength(0, 1);
    const int side = (slope.x ^ slope.y) < 0 ? -1 : 1;
    return own > strength(-side, -1) && own > strength(side, 1);
}

enum class Mark : uint8_t { None, Weak, Edge };

} // namespace

Image cannyEdges(const Image& picture) {
    const SlopeMap map = slopesOf(picture);
    std::vector<Mark> marks(map.slopes.size(), Mark::None);
    std::vector<size_t> edges; // whose neighbours are still to be looked at
    for (int y = 0; y < map.height; ++y)
        for (int x = 0; x < map.width; ++x) {
            const int strength = map.at(x, y).strength();
            if (strength <= kWeak || !isRidge(map, x, y)) continue;
            marks[map.index(x, y)] = strength > kStrong ? Mark::Edge : Mark::Weak;
            if (strength > kStrong) edges.push_back(map.index(x, y));
        }
    const size_t row = static_cast<size_t>(map.width) + 2;
    while (!edges.empty()) { // weak ones that touch an edge are edges
        const size_t at = edges.back();
        edges.pop_back();
        for (const size_t neighbour : {at - row - 1, at - row, at - row + 1, at - 1, at + 1,
                                       at + row - 1, at + row, at + row + 1}) {
            if (marks[neighbour] != Mark::Weak) continue;
            marks[neighbour] = Mark::Edge;
            edges.push_back(neighbour);
        }
    }
    Image result{picture.width, picture.height, 3, {}};
    for (int y = 0; y < map.height; ++y)
        for (int x = 0; x < map.width; ++x)
            result.pixels.insert(result.pixels.end(), 3,
                                 marks[map.index(x, y)] == Mark::Edge ? 1.0f : 0.0f);
    return result;
}

} // namespace kinora::core
