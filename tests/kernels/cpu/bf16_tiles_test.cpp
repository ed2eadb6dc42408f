// Tiles against the definition in double precision, by each unit that this machine has.
#include "kernels/cpu/bf16_tiles.h"
#include "kernels/tensor/bf16.h"
#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sys/mman.h>
#include <unistd.h>

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
    int64_t rowTiles, depthTiles;
    std::vector<uint16_t> left, right; // tiles [row][depth] and [depth][2]
    std::vector<float> sums;

    Sample(int64_t rows, int64_t depth) : rowTiles(rows), depthTiles(depth) {
        left = rounded(randomValues(rows * depth * kTileNumbers, 1));
        right = rounded(randomValues(depth * 2 * kTileNumbers, 2));
        sums = randomValues(rows * kTileSide * kProductWidth, 3);
    }

    TileProduct product(std::vector<float>& into, bool add) const {
        return {left.data(),  depthTiles * kTileNumbers,
                kTileNumbers, right.data(),
                rowTiles,     depthTiles,
                into.data(),  add};
    }

    double leftAt(int64_t row, int64_t depth) const {
        const int64_t tile = row / kTileSide * depthTiles + depth / kTileDepth;
        return widenBf16(left[static_cast<size_t>(
            tile * kTileNumbers + row % kTileSide * kTileDepth + depth % kTileDepth)]);
    }
    double rightAt(int64_t depth, int64_t column) const {
        const int64_t tile = depth / kTileDepth * 2 + column / kTileSide;
        return widenBf16(
            right[static_cast<size_t>(tile * kTileNumbers + depth % kTileDepth / 2 * kTileLine +
                                      column % kTileSide * 2 + depth % 2)]);
    }

    std::vector<double> wanted(bool add) const {
        std::vector<double> result;
        for (int64_t row = 0; row < rowTiles * kTileSide; ++row)
            for (int64_t column = 0; column < kProductWidth; ++column) {
                double sum = add ? sums[static_cast<size_t>(row * kProductWidth + column)] : 0;
                for (int64_t depth = 0; depth < depthTiles * kTileDepth; ++depth)
                    sum += leftAt(row, depth) * rightAt(depth, column);
                result.push_back(sum);
            }
        return result;
    }
};

// A copy that ends where memory ends: who reads or writes further is stopped by the system.
template <typename T> class Guarded {
  public:
    explicit Guarded(const std::vector<T>& values)
        : m_pageBytes(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
          m_usedBytes((values.size() * sizeof(T) + m_pageBytes - 1) / m_pageBytes * m_pageBytes),
          m_memory(
              static_cast<char*>(mmap(nullptr, m_usedBytes + m_pageBytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        REQUIRE(m_memory != MAP_FAILED);
        REQUIRE(mprotect(m_memory + m_usedBytes, m_pageBytes, PROT_NONE) == 0);
        m_begin = reinterpret_cast<T*>(m_memory + m_usedBytes) - values.size();
        std::ranges::copy(values, m_begin);
    }
    ~Guarded() { munmap(m_memory, m_usedBytes + m_pageBytes); }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

    T* data() const { return m_begin; }

  private:
    size_t m_pageBytes, m_usedBytes;
    char* m_memory;
    T* m_begin = nullptr;
};

} // namespace

// Operands are loaded ahead of their use.
TEST_CASE("tiles read nothing behind their operands") {
    for (const TileUnit unit : unitsHere())
        for (const int64_t rows : {1, 2, 3, 4})
            for (const bool add : {false, true}) {
                const Sample sample(rows, 3);
                const Guarded left(sample.left), right(sample.right);
                const Guarded sums(sample.sums);
                std::vector<float> unused;
                TileProduct product = sample.product(unused, add);
                product.left = left.data();
                product.right = right.data();
                product.sums = sums.data();
                beginTiles(unit);
                multiplyTiles(unit, product);
                endTiles(unit);
                const std::vector<float> got(sums.data(), sums.data() + sample.sums.size());
                CHECK(relativeError(got, sample.wanted(add)) < 1e-5);
            }
}

TEST_CASE("tiles multiply as matrices do") {
    for (const TileUnit unit : unitsHere())
        for (const int64_t rows : {1, 2, 3, 8})
            for (const int64_t depth : {1, 2, 5})
                for (const bool add : {false, true}) {
                    const Sample sample(rows, depth);
                    std::vector<float> got = sample.sums;
                    beginTiles(unit);
                    multiplyTiles(unit, sample.product(got, add));
                    endTiles(unit);
                    CAPTURE(static_cast<int>(unit));
                    CAPTURE(rows);
                    CAPTURE(depth);
                    CHECK(relativeError(got, sample.wanted(add)) < 1e-5);
                }
}

} // namespace kinora::kernels::test
