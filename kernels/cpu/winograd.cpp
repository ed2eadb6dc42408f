// Shares Winograd's convolution out among the threads.
//
// Tiles are counted through all pictures and taken in strips, so that scratch memory stays small.
// Each strip goes through three phases: patches are transformed, 36 matrix products follow, and
// what they give is transformed back. What a strip or a thread is changes no result.

#include "kernels/cpu/winograd.h"

#include "kernels/base/rounding.h"
#include "kernels/cpu/winograd_plain.h"
#include "kernels/cpu/winograd_tiling.h"

#include <algorithm>
#include <stdexcept>

namespace kinora::kernels::cpu {

namespace {

using namespace winograd;

// Transformed numbers of a strip, before and after the products: of the team's, of a thread's own.
constexpr int64_t kStripBytes = int64_t{24} << 20;
constexpr int64_t kOwnStripBytes = int64_t{1} << 20;
// Kernels up to this size, 128 to 128 channels, stay in a core's cache from strip to strip.
constexpr size_t kOwnWeightBytes = size_t{2560} << 10;

// Together: the team works on one strip, phase by phase, and reads the kernels once for it. Alone:
// each thread has strips of its own, which stay in its core's cache, and the kernels beside them.
enum class Sharing { Together, Alone };

// How the tiles of a call are worked through.
struct Plan {
    Sharing sharing;
    int64_t strips, stripTiles; // stripTiles: of the largest strip
    int64_t buffers;            // as many as there are strips at work at a time

    Plan(int64_t tiles, const PackedWeight& weight, int teamSize) {
        const int64_t tileBytes =
            kProducts * (weight.inputs + weight.outputs) * int64_t{sizeof(float)};
        const int64_t own = kOwnStripBytes / tileBytes;
        const bool alone = weight.reportedBytes <= kOwnWeightBytes && tiles >= own * teamSize;
        sharing = alone ? Sharing::Alone : Sharing::Together;
        buffers = alone ? teamSize : 1;
        const int64_t most = alone ? own : kStripBytes / tileBytes;
        strips = ceilDiv(tiles, most);
        stripTiles = ceilDiv(tiles, strips);
    }
};

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

// How the threads divide one strip: together, or each takes strips of its own.
int64_t grainOf(Sharing sharing, int64_t items) {
    return sharing == Sharing::Together ? 1 : items;
}

void multiplyStrip(Context& context, const Strip& strip, Sharing sharing, const Buffers& buffers,
                   const PackedWeight& weight) {
    const int64_t panels = weight.outputs / kPanel;
    const int64_t items = kProducts * panels;
    const int64_t panelFloats = weight.inputs * kPanel;
    const float* kernels = static_cast<const float*>(weight.storage.data());
    parallelFor(context, items, grainOf(sharing, items), [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
            const int64_t place = item / panels, panel = item % panels;
            const float* right = kernels + item * panelFloats;
            const float* next = item + 1 < end ? right + panelFloats : right;
            multiplyPanel({.left = buffers.patches + place * strip.patches.productFloats(),
                           .right = right,
                           .next = next,
                           .rows = strip.count,
                           .inputs = weight.inputs,
                           .sums = buffers.products + place * strip.products.productFloats() +
                                   panel * strip.products.blockFloats(),
                           .add = false});
        }
    });
}

void convolveStrip(Context& context, const Conv2dArgs& args, const Tiling& tiling,
                   const Strip& strip, Sharing sharing, const Buffers& buffers) {
    const int64_t grain = grainOf(sharing, strip.count);
    parallelFor(context, strip.count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row)
            transformPatch(tiling.patch(strip.first + row, buffers.zeros).data(), strip.patches,
                           row, buffers.patches);
    });
    multiplyStrip(context, strip, sharing, buffers, *args.weight);
    const float* bias = static_cast<const float*>(args.bias.data);
    parallelFor(context, strip.count, grain, [&](int64_t begin, int64_t end) {
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

std::optional<WeightForm> winogradForm(const PackedWeight& weight, int stride) {
    constexpr int64_t kFewest = 32; // measured at 256 x 256 pixels: 2.0 ms instead of 3.6
    // Larger kernels are most of a UNet's weights: transformed they would double it. They belong to
    // small pictures, so that transforming them anew is most of a multiplication by them.
    constexpr int64_t kMostPairs = 1'250'000;
    if (weight.dtype != DType::F32 || stride > 1 || weight.kernelHeight != kKernel ||
        weight.kernelWidth != kKernel || weight.inputs < kFewest || weight.outputs < kFewest ||
        weight.inputs % kGroup || weight.outputs % kPanel)
        return std::nullopt;
    return weight.inputs * weight.outputs <= kMostPairs ? WeightForm::Winograd
                                                        : WeightForm::WinogradPlain;
}

void packForWinograd(Context& context, PackedWeight& weight, WeightForm form, const void* plain) {
    weight.form = form;
    if (form == WeightForm::WinogradPlain) return packPlainKernels(context, weight, plain);
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
    if (weight.form == WeightForm::WinogradPlain) return convolveByPlainKernels(context, args);
    const Tiling tiling(args);
    const int64_t tiles = tiling.count();
    const Plan plan(tiles, weight, context.threads);
    const Strip largest(0, plan.stripTiles, weight);
    const int64_t patchFloats = largest.patches.floats();
    const int64_t productFloats = largest.products.floats();
    const auto bytes = [](int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); };
    const Scratch patches(context, bytes(patchFloats * plan.buffers));
    const Scratch products(context, bytes(productFloats * plan.buffers));
    const Scratch zeros(context, bytes(weight.inputs));
    if (context.planning()) return;
    std::fill_n(zeros.as<float>(), weight.inputs, 0.0f);
    const auto run = [&](int64_t begin, int64_t end, int64_t thread) {
        const Buffers buffers{patches.as<float>() + thread * patchFloats,
                              products.as<float>() + thread * productFloats, zeros.as<float>()};
        for (int64_t strip = begin; strip < end && !context.cancelled(); ++strip)
            convolveStrip(context, args, tiling,
                          {tiles * strip / plan.strips, tiles * (strip + 1) / plan.strips, weight},
                          plan.sharing, buffers);
    };
    if (plan.sharing == Sharing::Together)
        run(0, plan.strips, 0);
    else
        parallelFor(context, plan.strips, 1,
                    [&](int64_t begin, int64_t end) { run(begin, end, omp_get_thread_num()); });
    checkCancelled(context);
}

} // namespace kinora::kernels::cpu
