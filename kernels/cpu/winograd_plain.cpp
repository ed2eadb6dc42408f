#include "kernels/cpu/winograd_plain.h"

#include "kernels/base/rounding.h"
#include "kernels/cpu/dnnl_state.h"
#include "kernels/cpu/winograd_tiling.h"

#include <algorithm>

namespace kinora::kernels::cpu {

namespace {

using namespace winograd;

constexpr int64_t kPlaces = kKernel * kKernel;
// Transformed kernels of 64 inputs for two panels, and 64 tiles' sums for them, are 1.2 MiB of a
// second-level cache. Two panels halve how often patches are read from beyond it.
constexpr int64_t kMostTiles = 64;
constexpr int64_t kChunkInputs = 64;
constexpr int64_t kMostPanels = 2;

// One call, and how it is cut.
struct Work {
    const Conv2dArgs& args;
    int64_t inputs, panels;
    int64_t joint; // panels that a thread works on at a time
    int64_t strips, stripTiles;

    Work(const Conv2dArgs& call, int64_t tiles, int teamSize)
        : args(call), inputs(call.weight->inputs), panels(call.weight->outputs / kPanel),
          joint(panels >= 4 * kMostPanels * teamSize ? kMostPanels : 1),
          strips(ceilDiv(tiles, kMostTiles)), stripTiles(ceilDiv(tiles, strips)) {}

    int64_t chunks() const { return ceilDiv(inputs, kChunkInputs); }
    // Where a chunk of the inputs begins: at a whole group.
    int64_t chunkBegin(int64_t chunk) const { return inputs / kGroup * chunk / chunks() * kGroup; }
    const float* kernelsAt(int64_t panel, int64_t input) const {
        return static_cast<const float*>(args.weight->storage.data()) +
               (panel * inputs + input) * kPlaces * kPanel;
    }
    // As in TileLayout: the 36 must not all fall into the same set of a cache.
    int64_t placeFloats() const { return std::min(kChunkInputs, inputs) * kPanel + kGroup; }
    int64_t kernelFloats() const { return kProducts * placeFloats(); }
};

struct Strip {
    int64_t first, count;
    TileLayout patches, sums; // sums: of one panel

    Strip(const Work& work, int64_t begin, int64_t end)
        : first(begin), count(end - begin), patches{count, work.inputs, kGroup},
          sums{count, kPanel, kPanel} {}
};

// Some panels' sums for all of a strip: the depth goes by in chunks, whose kernels are transformed
// and then multiply. sums, kernels: of one panel after another.
void multiplyPanels(const Work& work, const Strip& strip, const float* patches, int64_t panel,
                    int64_t panels, float* kernels, float* sums) {
    for (int64_t chunk = 0; chunk < work.chunks(); ++chunk) {
        const int64_t begin = work.chunkBegin(chunk), end = work.chunkBegin(chunk + 1);
        for (int64_t i = 0; i < panels; ++i)
            transformPlainKernels(work.kernelsAt(panel + i, begin), end - begin, work.placeFloats(),
                                  kernels + i * work.kernelFloats());
        for (int64_t place = 0; place < kProducts; ++place)
            for (int64_t i = 0; i < panels; ++i) {
                const float* right = kernels + i * work.kernelFloats() + place * work.placeFloats();
                // The plain kernels that come next are fetched during the first of the products.
                const float* next = end < work.inputs ? work.kernelsAt(panel + i, end)
                                                      : work.kernelsAt(panel + panels + i, 0);
                multiplyPanel(
                    {.left = patches + place * strip.patches.productFloats() + begin * strip.count,
                     .right = right,
                     .next = place < kPlaces ? next + place * (end - begin) * kPanel : right,
                     .rows = strip.count,
                     .inputs = end - begin,
                     .sums = sums + i * strip.sums.floats() + place * strip.sums.productFloats(),
                     .add = chunk > 0});
            }
    }
}

// A panel's sums to the output.
void finishPanel(const Work& work, const Strip& strip, const Tiling& tiling, int64_t panel,
                 const float* sums) {
    const auto ofPanel = [panel](auto pixels) {
        for (float*& pixel : pixels)
            if (pixel) pixel += panel * kPanel;
        return pixels;
    };
    const auto* bias = static_cast<const float*>(work.args.bias.data);
    if (bias) bias += panel * kPanel;
    for (int64_t row = 0; row < strip.count; ++row) {
        const auto pixels = ofPanel(tiling.pixels(work.args.output, strip.first + row));
        if (!work.args.residual.data) {
            transformTile(sums, strip.sums, row, bias, nullptr, pixels.data());
            continue;
        }
        const auto residual = ofPanel(tiling.pixels(work.args.residual, strip.first + row));
        transformTile(sums, strip.sums, row, bias, residual.data(), pixels.data());
    }
}

struct Room {
    float *patches, *kernels, *sums; // kernels, sums: one thread's after another's
    int64_t kernelFloats, sumFloats; // of a thread
    const float* zeros;              // a pixel outside of the picture
};

void convolveStrip(const Context& context, const Work& work, const Strip& strip,
                   const Tiling& tiling, const Room& room) {
    parallelFor(context, strip.count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row)
            transformPatch(tiling.patch(strip.first + row, room.zeros).data(), strip.patches, row,
                           room.patches);
    });
    const int64_t items = (work.panels + work.joint - 1) / work.joint;
    parallelFor(context, items, 1, [&](int64_t begin, int64_t end) {
        const int64_t thread = omp_get_thread_num();
        float* kernels = room.kernels + thread * room.kernelFloats;
        float* sums = room.sums + thread * room.sumFloats;
        for (int64_t item = begin; item < end && !context.cancelled(); ++item) {
            const int64_t panel = item * work.joint;
            const int64_t panels = std::min(work.joint, work.panels - panel);
            multiplyPanels(work, strip, room.patches, panel, panels, kernels, sums);
            for (int64_t i = 0; i < panels; ++i)
                finishPanel(work, strip, tiling, panel + i, sums + i * strip.sums.floats());
        }
    });
}

// A panel of plain kernels [32, inputs, 9] as [inputs, 9, 32], a group of inputs at a time, which
// stays in the first-level cache.
void packPanel(const float* plain, int64_t inputs, float* packed) {
    for (int64_t group = 0; group < inputs; group += kGroup)
        for (int64_t output = 0; output < kPanel; ++output) {
            const float* in = plain + (output * inputs + group) * kPlaces;
            float* out = packed + group * kPlaces * kPanel + output;
            for (int64_t i = 0; i < kGroup * kPlaces; ++i) out[i * kPanel] = in[i];
        }
}

} // namespace

void packPlainKernels(Context& context, PackedWeight& weight, const void* plain) {
    const int64_t panelFloats = weight.inputs * kPlaces * kPanel;
    const int64_t panels = weight.outputs / kPanel;
    weight.reportedBytes = static_cast<size_t>(panels * panelFloats) * sizeof(float);
    if (context.planning()) return;
    weight.storage = HostBlock(weight.reportedBytes);
    parallelFor(context, panels, 1, [&](int64_t begin, int64_t end) {
        for (int64_t panel = begin; panel < end; ++panel)
            packPanel(static_cast<const float*>(plain) + panel * panelFloats, weight.inputs,
                      static_cast<float*>(weight.storage.data()) + panel * panelFloats);
    });
}

void convolveByPlainKernels(Context& context, const Conv2dArgs& args) {
    const Tiling tiling(args);
    const int64_t tiles = tiling.count();
    const Work work(args, tiles, context.threads);
    const Strip largest(work, 0, work.stripTiles);
    const auto bytes = [](int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); };
    Room room{.patches = nullptr,
              .kernels = nullptr,
              .sums = nullptr,
              .kernelFloats = work.joint * work.kernelFloats(),
              .sumFloats = work.joint * largest.sums.floats(),
              .zeros = nullptr};
    const Scratch patches(context, bytes(largest.patches.floats()));
    const Scratch kernels(context, bytes(context.threads * room.kernelFloats));
    const Scratch sums(context, bytes(context.threads * room.sumFloats));
    const Scratch zeros(context, bytes(work.inputs));
    if (context.planning()) return;
    std::fill_n(zeros.as<float>(), work.inputs, 0.0f);
    room.patches = patches.as<float>();
    room.kernels = kernels.as<float>();
    room.sums = sums.as<float>();
    room.zeros = zeros.as<float>();
    for (int64_t strip = 0; strip < work.strips && !context.cancelled(); ++strip)
        convolveStrip(context, work,
                      {work, tiles * strip / work.strips, tiles * (strip + 1) / work.strips},
                      tiling, room);
    checkCancelled(context);
}

} // namespace kinora::kernels::cpu
