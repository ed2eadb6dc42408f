#include "kernels/cpu/weight_tiles.h"

#include "kernels/base/rounding.h"
#include "kernels/cpu/bf16_tiles.h"
#include "kernels/cpu/packed_weight.h"
#include "kernels/cpu/tile_gather.h"

#if defined(__x86_64__)

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/dnnl_state.h"
#include "kernels/cpu/x86_intrinsics.h"

#include <algorithm>

// After the headers: what they define must stay runnable everywhere.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kinora::kernels::cpu {

namespace {

constexpr int64_t kPairRows = 2 * kTileSide; // of two tiles, one below the other
constexpr int64_t kPanel = kProductWidth;    // outputs that one call gives
constexpr int64_t kPanelTile = 2 * kTileNumbers;
constexpr int64_t kPairSums = kPairRows * kPanel;

// What stays in the caches, measured on a Xeon with 48 KiB and 2 MiB of them for each core: 40 KiB
// of a panel in the first one, which all else passes by; 640 KiB of input and as many of sums in
// the second one.
constexpr int64_t kStepTiles = 20;   // of depth, in the first-level cache
constexpr int64_t kChunkTiles = 40;  // of depth, in the second-level cache
constexpr int64_t kBlockPairs = 8;   // of rows
constexpr int64_t kBlockPanels = 20; // whose sums are kept until they are written
constexpr int64_t kFlatTiles = 20;   // depth up to which writing is most of the work:
constexpr int64_t kFlatPanels = 8;   // there fewer sums are kept

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
    // The left side is what lies in memory, or else what is gathered for a convolution.
    Rows input;
    Rows tail; // the last pair of rows where it is no whole tiles: a copy filled up with zeros
    const Conv2dArgs* gathered;
    const uint16_t* tiles;
    const float* bias;        // or null
    const uint16_t* residual; // or null
    uint16_t* output;
    int64_t rows, outputs, depthTiles; // outputs: of the weight
    Activation activation;
    bool gated;

    int64_t pairs() const { return ceilDiv(rows, kPairRows); }
    // A panel of the output is made from one of the weight, or from two of them.
    int64_t halves() const { return gated ? 2 : 1; }
    int64_t panels() const { return ceilDiv(outputs, kPanel) / halves(); }
    int64_t columns() const { return outputs / halves(); }
    int64_t chunks() const { return ceilDiv(depthTiles, kChunkTiles); }
    bool wholeTiles() const { return rows % kTileSide == 0; }
    const uint16_t* tilesAt(int64_t panel, int64_t depth) const {
        return tiles + (panel * depthTiles + depth) * kPanelTile;
    }
};

int64_t keptPanels(const Product& p) {
    const int64_t most = p.depthTiles > kFlatTiles ? kBlockPanels : kFlatPanels;
    return std::min(most / p.halves(), p.panels());
}

// A thread's room for pixels that are gathered.
int64_t gatheredNumbers(const Product& p) {
    if (!p.gathered) return 0;
    return std::min(kBlockPairs, p.pairs()) * std::min(kChunkTiles, p.depthTiles) * 2 *
           kTileNumbers;
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

// The left side of a block: packed in tiles [row / 16][depth] where it was gathered.
struct Left {
    const uint16_t* tiles = nullptr;
    Range depth{0, 0};
};

// Where a pair of rows begins, at a tile of depth.
TileProduct leftOf(const Product& p, const Left& left, Range pairs, int64_t pair, int64_t depth) {
    TileProduct product{};
    if (left.tiles) {
        product.leftRowStride = left.depth.count() * kTileNumbers;
        product.leftDepthStride = kTileNumbers;
        product.left = left.tiles + (pair - pairs.begin) * 2 * product.leftRowStride +
                       (depth - left.depth.begin) * kTileNumbers;
        product.leftLineStride = kTileDepth;
        return product;
    }
    const bool copied = pair + 1 == p.pairs() && !p.wholeTiles();
    const Rows& rows = copied ? p.tail : p.input;
    const int64_t row = copied ? 0 : pair * kPairRows;
    product.left = rows.data + row * rows.stride + depth * kTileDepth;
    product.leftRowStride = kTileSide * rows.stride;
    product.leftDepthStride = kTileDepth;
    product.leftLineStride = rows.stride;
    return product;
}

// Adds some of the depth of a panel to the sums of some pairs of rows. next: the tiles that are
// wanted after these.
void addStep(const Product& p, const Left& left, Range pairs, int64_t panel, Range depth,
             const uint16_t* next, float* sums) {
    const int64_t lines = kPanelTile / kTileLine; // of a tile's depth of the panel
    const int64_t nextLines = ceilDiv(lines, pairs.count());
    const bool copied = !left.tiles && pairs.end == p.pairs() && !p.wholeTiles();
    const auto add = [&](Range some) {
        if (some.count() == 0) return;
        const int64_t rows = std::min(some.end * kPairRows, p.rows) - some.begin * kPairRows;
        TileProduct product = leftOf(p, left, pairs, some.begin, depth.begin);
        product.right = p.tilesAt(panel, depth.begin);
        product.rowTiles = ceilDiv(rows, kTileSide);
        product.depthTiles = depth.count();
        product.sums = sums + (some.begin - pairs.begin) * kPairSums;
        product.add = depth.begin > 0;
        product.next = next + (some.begin - pairs.begin) * nextLines * kTileLine * depth.count();
        product.nextLines = nextLines;
        multiplyTiles(TileUnit::Amx, product);
    };
    const int64_t end = pairs.end - (copied ? 1 : 0);
    add({pairs.begin, end});
    add({end, pairs.end});
}

// What a thread has for itself.
struct Room {
    float* sums;
    uint16_t* pixels;
};

// All of the depth for some rows and some panels whose sums are kept.
void multiplyBlock(const Product& p, Range pairs, Range panels, const Room& room) {
    float* sums = room.sums;
    const Range depth{0, p.depthTiles};
    const int64_t panelSums = pairs.count() * kPairSums;
    const int64_t kept = panels.count() * p.halves();
    const auto panelOf = [&](int64_t index) { // of the weight: the values', then their gates'
        const bool gate = index >= panels.count();
        return panels.begin + index + (gate ? p.panels() - panels.count() : 0);
    };
    for (int64_t chunk = 0; chunk < p.chunks(); ++chunk) {
        const Range some = partOf(depth, chunk, p.chunks());
        Left left;
        if (p.gathered) {
            gatherTiles(*p.gathered, pairs.begin * kPairRows, pairs.end * kPairRows, some.begin,
                        some.end, room.pixels);
            left = {room.pixels, some};
        }
        const int64_t steps = ceilDiv(some.count(), kStepTiles);
        for (int64_t index = 0; index < kept; ++index)
            for (int64_t step = 0; step < steps; ++step) {
                const Range part = partOf(some, step, steps);
                const bool last = part.end == some.end;
                const int64_t panel = panelOf(index);
                const int64_t after = index + 1 < kept ? panelOf(index + 1) : panel + 1;
                addStep(p, left, pairs, panel, part,
                        last ? p.tilesAt(after, some.begin) : p.tilesAt(panel, part.end),
                        sums + index * panelSums);
            }
    }
    p.gated ? finishGated(p, pairs, panels, sums) : finish(p, pairs, panels, sums);
}

void multiplyPart(const Context& context, const Product& p, Range pairs, Range panels,
                  const Room& room) {
    const int64_t rowBlocks = ceilDiv(pairs.count(), kBlockPairs);
    const int64_t panelBlocks = ceilDiv(panels.count(), keptPanels(p));
    for (int64_t rowBlock = 0; rowBlock < rowBlocks; ++rowBlock)
        for (int64_t panelBlock = 0; panelBlock < panelBlocks; ++panelBlock) {
            if (context.cancelled()) return;
            multiplyBlock(p, partOf(pairs, rowBlock, rowBlocks),
                          partOf(panels, panelBlock, panelBlocks), room);
        }
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
        const int64_t work = ceilDiv(p.pairs(), ofRows) * ceilDiv(p.panels(), ofPanels);
        const int64_t cost = work * 16 * threads + ofRows * p.panels() + ofPanels * p.pairs();
        if (cost >= bestCost) continue;
        best = {ofRows, ofPanels};
        bestCost = cost;
    }
    return best;
}

void multiplyAll(const Context& context, const Product& p, const Room& room) {
    const Shares shares = sharesOf(p, context.threads);
    parallelFor(context, context.threads, 1, [&](int64_t begin, int64_t end) {
        beginTiles(TileUnit::Amx);
        for (int64_t share = begin; share < end; ++share)
            multiplyPart(
                context, p, partOf({0, p.pairs()}, share / shares.ofPanels, shares.ofRows),
                partOf({0, p.panels()}, share % shares.ofPanels, shares.ofPanels),
                {room.sums + share * keptSums(p), room.pixels + share * gatheredNumbers(p)});
        endTiles(TileUnit::Amx);
    });
    checkCancelled(context);
}

// The rows of the last pair, and zeros after them.
void copyTail(const Product& p, uint16_t* tail) {
    const int64_t first = (p.pairs() - 1) * kPairRows;
    const int64_t numbers = (p.rows - first) * p.input.stride;
    std::copy_n(p.input.data + first * p.input.stride, numbers, tail);
    std::fill(tail + numbers, tail + kPairRows * p.input.stride, uint16_t{0});
}

// Where the pairs of a column lie in a tile, counted in pairs.
inline __m512i pairsOfColumn() {
    return _mm512_slli_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                             4);
}

// The numbers of one output, place by place.
void placesOf(const PackedWeight& weight, const uint16_t* plain, uint16_t* column) {
    const int64_t places = weight.kernelHeight * weight.kernelWidth;
    for (int64_t place = 0; place < places; ++place)
        for (int64_t input = 0; input < weight.inputs; ++input)
            *column++ = plain[input * places + place];
}

// 32 outputs into tiles. column: room for the numbers of one of them; null for a matrix, whose
// numbers lie in order.
void packPanel(const PackedWeight& weight, const uint16_t* plain, int64_t panel, int64_t depth,
               uint16_t* column, uint16_t* tiles) {
    const __m512i places = pairsOfColumn();
    for (int64_t index = 0; index < kPanel; ++index) {
        const int64_t output = panel * kPanel + index;
        const bool used = output < weight.outputs;
        const uint16_t* numbers = column ? column : plain + output * depth;
        if (used && column) placesOf(weight, plain + output * depth, column);
        uint16_t* out = tiles + index / kTileSide * kTileNumbers + index % kTileSide * 2;
        for (int64_t tile = 0; tile < depth / kTileDepth; ++tile)
            _mm512_i32scatter_epi32(out + tile * kPanelTile, places,
                                    used ? _mm512_loadu_si512(numbers + tile * kTileDepth)
                                         : _mm512_setzero_si512(),
                                    sizeof(uint32_t));
    }
}

} // namespace

bool multipliesByTiles(const PackedWeight& weight) {
    // oneDNN's convolutions are the faster ones while their weights stay in the caches.
    constexpr int64_t kFewestPairs = 500'000;
    const bool matrix = weight.kernelHeight == 1 && weight.kernelWidth == 1;
    return weight.dtype == DType::BF16 && weight.inputs % kTileDepth == 0 &&
           (matrix || weight.inputs * weight.outputs >= kFewestPairs) &&
           tileUnit() == TileUnit::Amx;
}

bool gatesByTiles(int64_t outputs) {
    return outputs % (2 * kPanel) == 0;
}

void packTiles(const Context& context, PackedWeight& weight, const void* plain) {
    weight.form = WeightForm::Tiles;
    const int64_t depth = weight.kernelHeight * weight.kernelWidth * weight.inputs;
    const int64_t panels = ceilDiv(weight.outputs, kPanel);
    weight.reportedBytes = static_cast<size_t>(panels * kPanel * depth) * sizeof(uint16_t);
    if (context.planning()) return;
    weight.storage = HostBlock(weight.reportedBytes);
    HostBlock columns; // each thread's own
    if (depth > weight.inputs)
        columns = HostBlock(static_cast<size_t>(context.threads * depth) * sizeof(uint16_t));
    auto* own = static_cast<uint16_t*>(columns.data());
    parallelFor(context, panels, 1, [&](int64_t begin, int64_t end) {
        uint16_t* column = own ? own + omp_get_thread_num() * depth : nullptr;
        for (int64_t panel = begin; panel < end; ++panel)
            packPanel(weight, static_cast<const uint16_t*>(plain), panel, depth, column,
                      static_cast<uint16_t*>(weight.storage.data()) + panel * kPanel * depth);
    });
}

void linearByTiles(Context& context, const LinearArgs& args) {
    const PackedWeight& weight = *args.weight;
    Product product{.input = {static_cast<const uint16_t*>(args.input.data), weight.inputs},
                    .tail = {},
                    .gathered = nullptr,
                    .tiles = static_cast<const uint16_t*>(weight.storage.data()),
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
    multiplyAll(context, product, {sums.as<float>(), nullptr});
}

void convolveByTiles(Context& context, const Conv2dArgs& args) {
    const PackedWeight& weight = *args.weight;
    const auto rowsOf = [](const TensorRef& t) { return t.dims[0] * t.dims[1] * t.dims[2]; };
    const Product product{.input = {},
                          .tail = {},
                          .gathered = &args,
                          .tiles = static_cast<const uint16_t*>(weight.storage.data()),
                          .bias = static_cast<const float*>(args.bias.data),
                          .residual = static_cast<const uint16_t*>(args.residual.data),
                          .output = static_cast<uint16_t*>(args.output.data),
                          .rows = rowsOf(args.output),
                          .outputs = weight.outputs,
                          .depthTiles =
                              weight.kernelHeight * weight.kernelWidth * weight.inputs / kTileDepth,
                          .activation = Activation::None,
                          .gated = false};
    const auto threads = static_cast<size_t>(context.threads);
    const Scratch pixels(context, threads * static_cast<size_t>(gatheredNumbers(product)) *
                                      sizeof(uint16_t));
    const Scratch sums(context, threads * static_cast<size_t>(keptSums(product)) * sizeof(float));
    if (context.planning()) return;
    multiplyAll(context, product, {sums.as<float>(), pixels.as<uint16_t>()});
}

} // namespace kinora::kernels::cpu

#pragma GCC pop_options

#else

#include <stdexcept>

namespace kinora::kernels::cpu {

bool multipliesByTiles(const PackedWeight&) {
    return false;
}
bool gatesByTiles(int64_t) {
    return false;
}
void packTiles(const Context&, PackedWeight&, const void*) {}
void linearByTiles(Context&, const LinearArgs&) {
    throw std::logic_error("this processor has no tiles");
}
void convolveByTiles(Context&, const Conv2dArgs&) {
    throw std::logic_error("this processor has no tiles");
}

} // namespace kinora::kernels::cpu

#endif
