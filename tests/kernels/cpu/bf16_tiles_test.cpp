// Tiles against the definition in double precision, by each unit that this machine has.
#include "kernels/cpu/bf16_tiles.h"
#include "kernels/tensor/bf16.h"
#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>

namespace kinora::kernels::test {

namespace {

using namespace kinora::kernels::cpu;

std::vector<TileUnit> unitsHere() {
    switch (tileUnit()) {
    case TileUnit::Amx: return {TileUnit::Avx512Bf16, TileUnit::Amx};
    case TileUnit::Avx512Bf16: return {TileUnit::Avx512Bf16};
    case TileUnit::None: return {};
    }
    return {};
}

std::vector<uint16_t> rounded(const std::vector<float>& values) {
    std::vector<uint16_t> result;
    for (const float value : values) result.push_back(roundToBf16(value));
    return result;
}

struct Sample {
    int64_t depthTiles, columnTiles;
    std::vector<uint16_t> left, right;
    std::vector<float> sums;

    Sample(int64_t depth, int64_t columns) : depthTiles(depth), columnTiles(columns) {
        left = rounded(randomValues(kTileStrip * depth * kTileDepth, 1));
        right = rounded(randomValues(depth * columns * kTileNumbers, 2));
        sums = randomValues(kTileStrip * columns * kTileColumns, 3);
    }

    int64_t width() const { return columnTiles * kTileColumns; }

    TileProduct product(std::vector<float>& into, bool add) const {
        return {left.data(),  depthTiles * kTileDepth,
                right.data(), columnTiles * kTileNumbers,
                kTileNumbers, depthTiles,
                columnTiles,  into.data(),
                width(),      add};
    }

    double rightAt(int64_t depth, int64_t column) const {
        const int64_t tile = depth / kTileDepth * columnTiles + column / kTileColumns;
        const int64_t within =
            depth % kTileDepth / 2 * 2 * kTileColumns + column % kTileColumns * 2 + depth % 2;
        return widenBf16(right[static_cast<size_t>(tile * kTileNumbers + within)]);
    }

    std::vector<double> wanted(bool add) const {
        std::vector<double> result;
        for (int64_t row = 0; row < kTileStrip; ++row)
            for (int64_t column = 0; column < width(); ++column) {
                double sum = add ? sums[static_cast<size_t>(row * width() + column)] : 0;
                for (int64_t depth = 0; depth < depthTiles * kTileDepth; ++depth)
                    sum += static_cast<double>(widenBf16(
                               left[static_cast<size_t>(row * depthTiles * kTileDepth + depth)])) *
                           rightAt(depth, column);
                result.push_back(sum);
            }
        return result;
    }
};

} // namespace

TEST_CASE("tiles multiply as matrices do") {
    for (const TileUnit unit : unitsHere())
        for (const int64_t depth : {1, 2, 8})
            for (const int64_t columns : {1, 2, 3, 4, 5, 16})
                for (const bool add : {false, true}) {
                    const Sample sample(depth, columns);
                    std::vector<float> got = sample.sums;
                    beginTiles(unit);
                    multiplyTiles(unit, sample.product(got, add));
                    endTiles(unit);
                    CAPTURE(static_cast<int>(unit));
                    CAPTURE(depth);
                    CAPTURE(columns);
                    CHECK(relativeError(got, sample.wanted(add)) < 1e-5);
                }
}

} // namespace kinora::kernels::test
