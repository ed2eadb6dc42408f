#include "kernels/cpu/winograd_kernel.h"

#include "kernels/base/rounding.h"

#include <algorithm>
#include <array>
#include <utility>

// As simd_targets.h; and vectors without a size at compile time cannot be kept in arrays, as the
// tiles do.
#define HWY_DISABLED_TARGETS                                                                       \
    (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/winograd_kernel.cpp"
#include <hwy/foreach_target.h>
// After foreach_target, by its rules.
#include <hwy/highway.h>

// What is the same for all instruction sets stands here once.
#ifndef KINORA_WINOGRAD_POINTS
#define KINORA_WINOGRAD_POINTS
namespace kinora::kernels::cpu::winograd {
namespace {

// The points are 0, A, -A, B, -B and infinity.
constexpr float kA = 0.75f, kB = 1.5f;
constexpr float kA2 = kA * kA, kB2 = kB * kB;
constexpr float kA3 = kA2 * kA, kB3 = kB2 * kB;

// The value of the polynomial with three coefficients at each point, over the product of the
// point's distances from the others.
constexpr double kZero = 1.0 / (kA2 * kB2);
constexpr double kNear = 1.0 / (2.0 * kA2 * (kA2 - kB2));
constexpr double kFar = 1.0 / (2.0 * kB2 * (kB2 - kA2));

using Six = std::array<double, kPatch>;
Six atPoints(double g0, double g1, double g2) {
    const double evenA = (g0 + kA2 * g2) * kNear, oddA = kA * kNear * g1;
    const double evenB = (g0 + kB2 * g2) * kFar, oddB = kB * kFar * g1;
    return {g0 * kZero, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, g2};
}

} // namespace
} // namespace kinora::kernels::cpu::winograd
#endif

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu::winograd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, kGroup>;
using Vector = hn::Vec<Floats>;
constexpr Floats kFloats;
constexpr int64_t kLanes = hn::MaxLanes(kFloats);

// The six numbers of a patch's row or column, in place.
HWY_INLINE void transformSix(Vector& d0, Vector& d1, Vector& d2, Vector& d3, Vector& d4,
                             Vector& d5) {
    const Vector a2 = hn::Set(kFloats, kA2), b2 = hn::Set(kFloats, kB2);
    const Vector product = hn::Set(kFloats, kA2 * kB2), sum = hn::Set(kFloats, kA2 + kB2);
    const Vector evenA = hn::NegMulAdd(b2, d2, d4);
    const Vector oddA = hn::Mul(hn::Set(kFloats, kA), hn::NegMulAdd(b2, d1, d3));
    const Vector evenB = hn::NegMulAdd(a2, d2, d4);
    const Vector oddB = hn::Mul(hn::Set(kFloats, kB), hn::NegMulAdd(a2, d1, d3));
    d0 = hn::MulAdd(product, d0, hn::NegMulAdd(sum, d2, d4));
    d5 = hn::MulAdd(product, d1, hn::NegMulAdd(sum, d3, d5));
    d1 = hn::Add(evenA, oddA);
    d2 = hn::Sub(evenA, oddA);
    d3 = hn::Add(evenB, oddB);
    d4 = hn::Sub(evenB, oddB);
}

void transformPatchHere(const float* const* pixels, const TileLayout& layout, int64_t row,
                        float* tiles) {
    const int64_t productFloats = layout.productFloats();
    for (int64_t channel = 0; channel < layout.channels; channel += kLanes) {
        Vector columns[kPatch][kPatch];
        for (int64_t x = 0; x < kPatch; ++x) {
            Vector column[kPatch];
            for (int64_t y = 0; y < kPatch; ++y)
                column[y] = hn::LoadU(kFloats, pixels[y * kPatch + x] + channel);
            transformSix(column[0], column[1], column[2], column[3], column[4], column[5]);
            for (int64_t y = 0; y < kPatch; ++y) columns[y][x] = column[y];
        }
        float* out =
            tiles + channel / kGroup * layout.blockFloats() + row * kGroup + channel % kGroup;
        for (int64_t y = 0; y < kPatch; ++y) {
            Vector line[kPatch];
            for (int64_t x = 0; x < kPatch; ++x) line[x] = columns[y][x];
            transformSix(line[0], line[1], line[2], line[3], line[4], line[5]);
            for (int64_t x = 0; x < kPatch; ++x)
                hn::StoreU(line[x], kFloats, out + (y * kPatch + x) * productFloats);
        }
    }
}

// The sums of a block of rows stay in registers: 28 of 32, or 12 of 16.
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64;
constexpr int kMostRows = kManyRegisters ? 14 : 6;
constexpr int kVectors = 2; // beside each other
static_assert(kPanel % (kVectors * kLanes) == 0);

// What the product after this one reads on its right, fetched into the second-level cache a piece
// with each group: kernels come from memory faster than a core asks for them by itself.
struct Ahead {
    const float* next;
    int64_t linesPerGroup;

    HWY_INLINE void fetch() {
        for (int64_t line = 0; line < linesPerGroup; ++line, next += kGroup)
            __builtin_prefetch(next, 0, 2);
    }
};

// kRows rows of a product, from its row `begin` on.
template <int kRows> void multiplyRows(const PanelProduct& product, int64_t begin, Ahead ahead) {
    for (int64_t column = 0; column < kPanel; column += kVectors * kLanes) {
        float* HWY_RESTRICT out = product.sums + begin * kPanel + column;
        Vector sums[kRows][kVectors];
        for (int row = 0; row < kRows; ++row)
            for (int vector = 0; vector < kVectors; ++vector)
                sums[row][vector] = product.add
                                        ? hn::LoadU(kFloats, out + row * kPanel + vector * kLanes)
                                        : hn::Zero(kFloats);
        const float* HWY_RESTRICT b = product.right + column;
        for (int64_t group = 0; group < product.inputs; group += kGroup) {
            const float* HWY_RESTRICT a = product.left + group * product.rows + begin * kGroup;
            if (column == 0) ahead.fetch();
            for (int64_t k = 0; k < kGroup; ++k, ++a, b += kPanel) {
                const Vector first = hn::LoadU(kFloats, b);
                const Vector second = hn::LoadU(kFloats, b + kLanes);
                for (int row = 0; row < kRows; ++row) {
                    const Vector each = hn::Set(kFloats, a[row * kGroup]);
                    sums[row][0] = hn::MulAdd(each, first, sums[row][0]);
                    sums[row][1] = hn::MulAdd(each, second, sums[row][1]);
                }
            }
        }
        for (int row = 0; row < kRows; ++row)
            for (int vector = 0; vector < kVectors; ++vector)
                hn::StoreU(sums[row][vector], kFloats, out + row * kPanel + vector * kLanes);
    }
}

using MultiplyRows = void (*)(const PanelProduct&, int64_t, Ahead);
template <int... kRows>
constexpr std::array<MultiplyRows, sizeof...(kRows)>
byHeight(std::integer_sequence<int, kRows...>) {
    return {multiplyRows<kRows + 1>...};
}

// Blocks of nearly equal height: a low one at the end would hold too few sums to hide a
// multiplication's latency.
void multiplyPanelHere(const PanelProduct& product) {
    static constexpr auto kByHeight = byHeight(std::make_integer_sequence<int, kMostRows>{});
    const int64_t rows = product.rows;
    const int64_t blocks = ceilDiv(rows, kMostRows);
    Ahead ahead{product.next, ceilDiv(kPanel, blocks)};
    const int64_t blockFloats = ahead.linesPerGroup * product.inputs;
    for (int64_t block = 0; block < blocks; ++block) {
        const int64_t begin = rows * block / blocks;
        const int64_t height = rows * (block + 1) / blocks - begin;
        kByHeight[static_cast<size_t>(height - 1)](product, begin, ahead);
        ahead.next += blockFloats;
    }
}

// A kernel's row or column at the six points.
HWY_INLINE void kernelAtPoints(Vector g0, Vector g1, Vector g2, Vector* out) {
    const auto at = [](double factor)
                        HWY_ATTR { return hn::Set(kFloats, static_cast<float>(factor)); };
    const Vector evenA = hn::Mul(at(kNear), hn::MulAdd(at(kA2), g2, g0));
    const Vector oddA = hn::Mul(at(kA * kNear), g1);
    const Vector evenB = hn::Mul(at(kFar), hn::MulAdd(at(kB2), g2, g0));
    const Vector oddB = hn::Mul(at(kB * kFar), g1);
    out[0] = hn::Mul(at(kZero), g0);
    out[1] = hn::Add(evenA, oddA);
    out[2] = hn::Sub(evenA, oddA);
    out[3] = hn::Add(evenB, oddB);
    out[4] = hn::Sub(evenB, oddB);
    out[5] = g2;
}

void transformPlainKernelsHere(const float* plain, int64_t inputs, int64_t placeFloats,
                               float* packed) {
    for (int64_t input = 0; input < inputs; ++input)
        for (int64_t column = 0; column < kPanel; column += kLanes) {
            const float* g = plain + input * kKernel * kKernel * kPanel + column;
            float* out = packed + input * kPanel + column;
            Vector columns[kKernel][kPatch];
            for (int64_t x = 0; x < kKernel; ++x)
                kernelAtPoints(hn::LoadU(kFloats, g + x * kPanel),
                               hn::LoadU(kFloats, g + (kKernel + x) * kPanel),
                               hn::LoadU(kFloats, g + (2 * kKernel + x) * kPanel), columns[x]);
            for (int64_t y = 0; y < kPatch; ++y) {
                Vector line[kPatch];
                kernelAtPoints(columns[0][y], columns[1][y], columns[2][y], line);
                for (int64_t x = 0; x < kPatch; ++x, out += placeFloats)
                    hn::StoreU(line[x], kFloats, out);
            }
        }
}

struct Four {
    Vector y0, y1, y2, y3;
};

HWY_INLINE Four transformBack(Vector m0, Vector m1, Vector m2, Vector m3, Vector m4, Vector m5) {
    const auto times = [](float factor, Vector value, Vector plus)
                           HWY_ATTR { return hn::MulAdd(hn::Set(kFloats, factor), value, plus); };
    const Vector sumA = hn::Add(m1, m2), differenceA = hn::Sub(m1, m2);
    const Vector sumB = hn::Add(m3, m4), differenceB = hn::Sub(m3, m4);
    return {hn::Add(m0, hn::Add(sumA, sumB)),
            times(kA, differenceA, hn::Mul(hn::Set(kFloats, kB), differenceB)),
            times(kA2, sumA, hn::Mul(hn::Set(kFloats, kB2), sumB)),
            times(kA3, differenceA, times(kB3, differenceB, m5))};
}

void transformTileHere(const float* tiles, const TileLayout& layout, int64_t row, const float* bias,
                       const float* const* residual, float* const* pixels) {
    const int64_t productFloats = layout.productFloats();
    for (int64_t channel = 0; channel < layout.channels; channel += kLanes) {
        const float* in =
            tiles + channel / kPanel * layout.blockFloats() + row * kPanel + channel % kPanel;
        Vector columns[kTile][kPatch];
        for (int64_t x = 0; x < kPatch; ++x) {
            Vector column[kPatch];
            for (int64_t y = 0; y < kPatch; ++y)
                column[y] = hn::LoadU(kFloats, in + (y * kPatch + x) * productFloats);
            const Four back =
                transformBack(column[0], column[1], column[2], column[3], column[4], column[5]);
            columns[0][x] = back.y0;
            columns[1][x] = back.y1;
            columns[2][x] = back.y2;
            columns[3][x] = back.y3;
        }
        const Vector offset = bias ? hn::LoadU(kFloats, bias + channel) : hn::Zero(kFloats);
        for (int64_t y = 0; y < kTile; ++y) {
            const Vector* line = columns[y];
            const Four back = transformBack(line[0], line[1], line[2], line[3], line[4], line[5]);
            const Vector values[kTile] = {back.y0, back.y1, back.y2, back.y3};
            for (int64_t x = 0; x < kTile; ++x) {
                const int64_t pixel = y * kTile + x;
                if (!pixels[pixel]) continue;
                Vector value = hn::Add(values[x], offset);
                if (residual) value = hn::Add(value, hn::LoadU(kFloats, residual[pixel] + channel));
                hn::StoreU(value, kFloats, pixels[pixel] + channel);
            }
        }
    }
}

} // namespace
} // namespace kinora::kernels::cpu::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kinora::kernels::cpu::winograd {

HWY_EXPORT(transformPatchHere);
HWY_EXPORT(transformPlainKernelsHere);
HWY_EXPORT(multiplyPanelHere);
HWY_EXPORT(transformTileHere);

void transformKernels(const float* plain, int64_t outputs, int64_t inputs, int64_t panel,
                      float* packed) {
    const int64_t productFloats = outputs * inputs;
    for (int64_t input = 0; input < inputs; ++input)
        for (int64_t output = panel * kPanel; output < (panel + 1) * kPanel; ++output) {
            const float* g = plain + (output * inputs + input) * 9;
            float* out = packed + (panel * inputs + input) * kPanel + output % kPanel;
            const Six columns[3] = {atPoints(g[0], g[3], g[6]), atPoints(g[1], g[4], g[7]),
                                    atPoints(g[2], g[5], g[8])};
            for (size_t y = 0; y < kPatch; ++y) {
                const Six line = atPoints(columns[0][y], columns[1][y], columns[2][y]);
                for (const double value : line) {
                    *out = static_cast<float>(value);
                    out += productFloats;
                }
            }
        }
}

void transformPatch(const float* const* pixels, const TileLayout& layout, int64_t row,
                    float* tiles) {
    HWY_DYNAMIC_DISPATCH(transformPatchHere)(pixels, layout, row, tiles);
}

void transformPlainKernels(const float* plain, int64_t inputs, int64_t placeFloats, float* packed) {
    HWY_DYNAMIC_DISPATCH(transformPlainKernelsHere)(plain, inputs, placeFloats, packed);
}

void multiplyPanel(const PanelProduct& product) {
    HWY_DYNAMIC_DISPATCH(multiplyPanelHere)(product);
}

void transformTile(const float* tiles, const TileLayout& layout, int64_t row, const float* bias,
                   const float* const* residual, float* const* pixels) {
    HWY_DYNAMIC_DISPATCH(transformTileHere)(tiles, layout, row, bias, residual, pixels);
}

} // namespace kinora::kernels::cpu::winograd
#endif
