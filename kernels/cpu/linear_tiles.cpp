#include "kernels/cpu/linear_tiles.h"

#include "kernels/cpu/bf16_tiles.h"
#include "kernels/cpu/packed_weight.h"

#if defined(__x86_64__)

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/x86_intrinsics.h"

#include <algorithm>
#include <cstring>

// After the headers: what they define must stay runnable everywhere.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kinora::kernels::cpu {

namespace {

constexpr int64_t kPairRows = 2 * kTileSide; // rows that one call multiplies
constexpr int64_t kPanel = kProductWidth;    // outputs that it gives
constexpr int64_t kPanelTile = 2 * kTileNumbers;
constexpr int64_t kPairSums = kPairRows * kPanel;

// What stays in the caches, measured on a Xeon with 48 KiB and 2 MiB of them for each core: 20 KiB
// of a panel in the first one, with 640 KiB of input and as many of sums in the second one.
constexpr int64_t kStepTiles = 10;   // of depth, in the first-level cache
constexpr int64_t kChunkTiles = 40;  // of depth, in the second-level cache
constexpr int64_t kBlockPairs = 8;   // of rows
constexpr int64_t kBlockPanels = 20; // whose sums are kept until they are written
constexpr int64_t kFlatTiles = 20;   // depth up to which writing is most of the work:
constexpr int64_t kFlatPanels = 8;   // there fewer sums are kept

constexpr int64_t partsFor(int64_t count, int64_t most) {
    return (count + most - 1) / most;
}

struct Range {
    int64_t begin, end;
    int64_t count() const { return end - begin; }
};

// Part `index` of `parts` equal ones.
Range partOf(Range all, int64_t index, int64_t parts) {
    return {all.begin + all.count() * index / parts, all.begin + all.count() * (index + 1) / parts};
}

// A matrix in memory: bf16, row by row.
struct Rows {
    const uint16_t* data;
    int64_t stride;
};

struct Product {
    Rows input;
    Rows tail; // the last pair of rows where it is no whole tiles: a copy filled up with zeros
    const uint16_t* tiles;
    const float* bias;        // or null
    const uint16_t* residual; // or null
    uint16_t* output;
    int64_t rows, outputs, depthTiles; // outputs: of the weight
    Activation activation;
    bool gated;

    int64_t pairs() const { return partsFor(rows, kPairRows); }
    // A panel of the output is made from one of the weight, or from two of them.
    int64_t halves() const { return gated ? 2 : 1; }
    int64_t panels() const { return partsFor(outputs, kPanel) / halves(); }
    int64_t columns() const { return outputs / halves(); }
    int64_t chunks() const { return partsFor(depthTiles, kChunkTiles); }
    bool wholeTiles() const { return rows % kTileSide == 0; }
    const uint16_t* tilesAt(int64_t panel, int64_t depth) const {
        return tiles + (panel * depthTiles + depth) * kPanelTile;
    }
};

int64_t keptPanels(const Product& p) {
    const int64_t most = p.depthTiles > kFlatTiles ? kBlockPanels : kFlatPanels;
    return std::min(most / p.halves(), p.panels());
}

// A thread's room for sums.
int64_t keptSums(const Product& p) {
    return keptPanels(p) * p.halves() * std::min(kBlockPairs, p.pairs()) * kPairSums;
}

inline __m512 widened(__m256i halves) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

// One row of a product to the output.
inline void finishRow(const Product& p, const float* sums, __m512 left, __m512 right, int64_t at,
                      __mmask32 used) {
    left = _mm512_add_ps(_mm512_load_ps(sums), left);
    right = _mm512_add_ps(_mm512_load_ps(sums + kTileSide), right);
    if (p.residual) {
        const __m512i more = _mm512_maskz_loadu_epi16(used, p.residual + at);
        left = _mm512_add_ps(left, widened(_mm512_castsi512_si256(more)));
        right = _mm512_add_ps(right, widened(_mm512_extracti64x4_epi64(more, 1)));
    }
    _mm512_mask_storeu_epi16(p.output + at, used,
                             reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(right, left)));
}

// The bias of a panel, and which of its columns there are.
struct PanelBias {
    __m512 left = _mm512_setzero_ps();
    __m512 right = _mm512_setzero_ps();
    __mmask32 used;

    PanelBias(const Product& p, int64_t panel)
        : used(static_cast<__mmask32>(~uint32_t{0} >>
                                      (kPanel - std::min(kPanel, p.outputs - panel * kPanel)))) {
        if (!p.bias) return;
        const float* bias = p.bias + panel * kPanel;
        left = _mm512_maskz_loadu_ps(static_cast<__mmask16>(used), bias);
        right = _mm512_maskz_loadu_ps(static_cast<__mmask16>(used >> kTileSide), bias + kTileSide);
    }
};

// What comes between the sums of a panel and the residual.
void activatePanel(const Product& p, int64_t rows, int64_t panel, float* sums) {
    const PanelBias bias(p, panel);
    for (float* row = sums; row < sums + rows * kPanel; row += kPanel) {
        _mm512_store_ps(row, _mm512_add_ps(_mm512_load_ps(row), bias.left));
        _mm512_store_ps(row + kTileSide,
                        _mm512_add_ps(_mm512_load_ps(row + kTileSide), bias.right));
    }
    for (float* pair = sums; pair < sums + rows * kPanel; pair += kPairSums)
        activateValues(p.activation, pair, kPairSums);
}

// The values of a row, gated, to the output.
inline void gateRow(const Product& p, const float* values, const float* gates,
                    const PanelBias& bias, int64_t at) {
    const __m512 left = _mm512_add_ps(_mm512_load_ps(values), bias.left);
    const __m512 right = _mm512_add_ps(_mm512_load_ps(values + kTileSide), bias.right);
    const __m512bh gated =
        _mm512_cvtne2ps_pbh(_mm512_mul_ps(right, _mm512_load_ps(gates + kTileSide)),
                            _mm512_mul_ps(left, _mm512_load_ps(gates)));
    _mm512_storeu_si512(p.output + at, reinterpret_cast<__m512i>(gated));
}

// The same as finish() for sums of values, followed by those of their gates.
void finishGated(const Product& p, Range pairs, Range panels, float* sums) {
    const int64_t first = pairs.begin * kPairRows;
    const int64_t rows = std::min(pairs.end * kPairRows, p.rows) - first;
    const int64_t panelSums = pairs.count() * kPairSums;
    float* gates = sums + panels.count() * panelSums;
    for (int64_t panel = panels.begin; panel < panels.end; ++panel)
        activatePanel(p, rows, p.panels() + panel, gates + (panel - panels.begin) * panelSums);
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
            const int64_t from = (panel - panels.begin) * panelSums + row * kPanel;
            gateRow(p, sums + from, gates + from, PanelBias(p, panel),
                    (first + row) * p.columns() + panel * kPanel);
        }
}

// The sums of some rows and panels to the output: row by row, because memory takes long runs best.
void finish(const Product& p, Range pairs, Range panels, float* sums) {
    const int64_t first = pairs.begin * kPairRows;
    const int64_t rows = std::min(pairs.end * kPairRows, p.rows) - first;
    const int64_t panelSums = pairs.count() * kPairSums;
    Product rest = p;
    if (p.activation != Activation::None) {
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            activatePanel(p, rows, panel, sums + (panel - panels.begin) * panelSums);
        rest.bias = nullptr;
    }
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
            const PanelBias bias(rest, panel);
            finishRow(rest, sums + (panel - panels.begin) * panelSums + row * kPanel, bias.left,
                      bias.right, (first + row) * p.outputs + panel * kPanel, bias.used);
        }
}

// Adds some of the depth of a panel to the sums of some pairs of rows. next: the tiles that are
// wanted after these.
void addStep(const Product& p, Range pairs, int64_t panel, Range depth, const uint16_t* next,
             float* sums) {
    const int64_t lines = kPanelTile / kTileLine; // of a tile's depth of the panel
    const int64_t nextLines = partsFor(lines, pairs.count());
    for (int64_t pair = pairs.begin; pair < pairs.end; ++pair) {
        const bool copied = pair + 1 == p.pairs() && !p.wholeTiles();
        const Rows& rows = copied ? p.tail : p.input;
        const int64_t row = copied ? 0 : pair * kPairRows;
        multiplyTiles(TileUnit::Amx,
                      {.left = rows.data + row * rows.stride + depth.begin * kTileDepth,
                       .leftRowStride = kTileSide * rows.stride,
                       .leftDepthStride = kTileDepth,
                       .right = p.tilesAt(panel, depth.begin),
                       .rowTiles = p.rows - pair * kPairRows > kTileSide ? 2 : 1,
                       .depthTiles = depth.count(),
                       .sums = sums,
                       .add = depth.begin > 0,
                       .leftLineStride = rows.stride,
                       .next = next,
                       .nextLines = nextLines});
        next += nextLines * kTileLine * depth.count();
        sums += kPairSums;
    }
}

// All of the depth for some rows and some panels whose sums are kept.
void multiplyBlock(const Product& p, Range pairs, Range panels, float* sums) {
    const Range depth{0, p.depthTiles};
    const int64_t panelSums = pairs.count() * kPairSums;
    const int64_t kept = panels.count() * p.halves();
    const auto panelOf = [&](int64_t index) { // of the weight: the values', then their gates'
        const bool gate = index >= panels.count();
        return panels.begin + index + (gate ? p.panels() - panels.count() : 0);
    };
    for (int64_t chunk = 0; chunk < p.chunks(); ++chunk) {
        const Range some = partOf(depth, chunk, p.chunks());
        const int64_t steps = partsFor(some.count(), kStepTiles);
        for (int64_t index = 0; index < kept; ++index)
            for (int64_t step = 0; step < steps; ++step) {
                const Range part = partOf(some, step, steps);
                const bool last = part.end == some.end;
                const int64_t panel = panelOf(index);
                const int64_t after = index + 1 < kept ? panelOf(index + 1) : panel + 1;
                addStep(p, pairs, panel, part,
                        last ? p.tilesAt(after, some.begin) : p.tilesAt(panel, part.end),
                        sums + index * panelSums);
            }
    }
    p.gated ? finishGated(p, pairs, panels, sums) : finish(p, pairs, panels, sums);
}

void multiplyPart(const Product& p, Range pairs, Range panels, float* sums) {
    const int64_t rowBlocks = partsFor(pairs.count(), kBlockPairs);
    const int64_t panelBlocks = partsFor(panels.count(), keptPanels(p));
    for (int64_t rowBlock = 0; rowBlock < rowBlocks; ++rowBlock)
        for (int64_t panelBlock = 0; panelBlock < panelBlocks; ++panelBlock)
            multiplyBlock(p, partOf(pairs, rowBlock, rowBlocks),
                          partOf(panels, panelBlock, panelBlocks), sums);
}

// How the threads share the work: evenly, and then so that the least is read. Each reads all the
// weights of its panels and all the input of its rows.
struct Shares {
    int64_t ofRows, ofPanels;
};

Shares sharesOf(const Product& p, int64_t threads) {
    Shares best{1, threads};
    int64_t bestCost = INT64_MAX;
    for (int64_t ofRows = 1; ofRows <= threads; ++ofRows) {
        const int64_t ofPanels = threads / ofRows;
        if (ofRows * ofPanels != threads) continue;
        const int64_t work = partsFor(p.pairs(), ofRows) * partsFor(p.panels(), ofPanels);
        const int64_t cost = work * 16 * threads + ofRows * p.panels() + ofPanels * p.pairs();
        if (cost >= bestCost) continue;
        best = {ofRows, ofPanels};
        bestCost = cost;
    }
    return best;
}

void multiplyAll(const Context& context, const Product& p, float* sums) {
    const Shares shares = sharesOf(p, context.threads);
    parallelFor(context, context.threads, 1, [&](int64_t begin, int64_t end) {
        beginTiles(TileUnit::Amx);
        for (int64_t share = begin; share < end; ++share)
            multiplyPart(p, partOf({0, p.pairs()}, share / shares.ofPanels, shares.ofRows),
                         partOf({0, p.panels()}, share % shares.ofPanels, shares.ofPanels),
                         sums + share * keptSums(p));
        endTiles(TileUnit::Amx);
    });
}

// The rows of the last pair, and zeros after them.
void copyTail(const Product& p, uint16_t* tail) {
    const int64_t first = (p.pairs() - 1) * kPairRows;
    const int64_t numbers = (p.rows - first) * p.input.stride;
    std::copy_n(p.input.data + first * p.input.stride, numbers, tail);
    std::fill(tail + numbers, tail + kPairRows * p.input.stride, uint16_t{0});
}

// Runs body(panel, depth, first output, outputs of it) over all tiles' depths of a weight.
template <typename Body>
void forTiles(const Context& context, int64_t inputs, int64_t outputs, const Body& body) {
    parallelFor(context, partsFor(outputs, kPanel), 1, [&](int64_t begin, int64_t end) {
        for (int64_t panel = begin; panel < end; ++panel)
            for (int64_t depth = 0; depth < inputs / kTileDepth; ++depth)
                body(panel, depth, std::min(kPanel, outputs - panel * kPanel));
    });
}

// Where the pairs of a column lie in a tile, counted in pairs.
inline __m512i pairsOfColumn() {
    return _mm512_slli_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                             4);
}

} // namespace

bool multipliesByTiles(DType dtype, int64_t inputs) {
    return dtype == DType::BF16 && inputs % kTileDepth == 0 && tileUnit() == TileUnit::Amx;
}

bool gatesByTiles(int64_t outputs) {
    return outputs % (2 * kPanel) == 0;
}

size_t tiledBytes(int64_t inputs, int64_t outputs) {
    return static_cast<size_t>(partsFor(outputs, kPanel) * kPanel * inputs) * sizeof(uint16_t);
}

void tileWeight(const Context& context, const uint16_t* plain, int64_t inputs, int64_t outputs,
                uint16_t* tiles) {
    const __m512i places = pairsOfColumn();
    forTiles(context, inputs, outputs, [&](int64_t panel, int64_t depth, int64_t columns) {
        uint16_t* out = tiles + (panel * inputs / kTileDepth + depth) * kPanelTile;
        const uint16_t* in = plain + panel * kPanel * inputs + depth * kTileDepth;
        for (int64_t column = 0; column < kPanel; ++column)
            _mm512_i32scatter_epi32(
                out + column / kTileSide * kTileNumbers + column % kTileSide * 2, places,
                column < columns ? _mm512_loadu_si512(in + column * inputs)
                                 : _mm512_setzero_si512(),
                sizeof(uint32_t));
    });
}

void untileWeight(const Context& context, const uint16_t* tiles, int64_t inputs, int64_t outputs,
                  uint16_t* plain) {
    const __m512i places = pairsOfColumn();
    forTiles(context, inputs, outputs, [&](int64_t panel, int64_t depth, int64_t columns) {
        const uint16_t* in = tiles + (panel * inputs / kTileDepth + depth) * kPanelTile;
        uint16_t* out = plain + panel * kPanel * inputs + depth * kTileDepth;
        for (int64_t column = 0; column < columns; ++column)
            _mm512_storeu_si512(out + column * inputs,
                                _mm512_i32gather_epi32(places,
                                                       in + column / kTileSide * kTileNumbers +
                                                           column % kTileSide * 2,
                                                       sizeof(uint32_t)));
    });
}

void linearByTiles(Context& context, const LinearArgs& args, const uint16_t* tiles) {
    const PackedWeight& weight = *args.weight;
    Product product{.input = {static_cast<const uint16_t*>(args.input.data), weight.inputs},
                    .tail = {},
                    .tiles = tiles,
                    .bias = static_cast<const float*>(args.bias.data),
                    .residual = static_cast<const uint16_t*>(args.residual.data),
                    .output = static_cast<uint16_t*>(args.output.data),
                    .rows = args.input.dims[0],
                    .outputs = weight.outputs,
                    .depthTiles = weight.inputs / kTileDepth,
                    .activation = args.activation,
                    .gated = args.gated != 0};
    const Scratch tail(context, static_cast<size_t>(kPairRows * weight.inputs) * sizeof(uint16_t));
    const Scratch sums(context,
                       static_cast<size_t>(context.threads * keptSums(product)) * sizeof(float));
    if (context.planning()) return;
    product.tail = {tail.as<uint16_t>(), weight.inputs};
    if (!product.wholeTiles()) copyTail(product, tail.as<uint16_t>());
    multiplyAll(context, product, sums.as<float>());
}

} // namespace kinora::kernels::cpu

#pragma GCC pop_options

#else

#include <stdexcept>

namespace kinora::kernels::cpu {

bool multipliesByTiles(DType, int64_t) {
    return false;
}
bool gatesByTiles(int64_t) {
    return false;
}
size_t tiledBytes(int64_t, int64_t) {
    return 0;
}
void tileWeight(const Context&, const uint16_t*, int64_t, int64_t, uint16_t*) {}
void untileWeight(const Context&, const uint16_t*, int64_t, int64_t, uint16_t*) {}
void linearByTiles(Context&, const LinearArgs&, const uint16_t*) {
    throw std::logic_error("this processor has no tiles");
}

} // namespace kinora::kernels::cpu

#endif
