// Attention: shares the heads and the blocks of queries out among the threads.

#include "kernels/cpu/attention_kernel.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_ops.h"

#include <algorithm>

namespace kinora::kernels::cpu {

namespace {

constexpr int64_t kGroupFloats = int64_t{4} << 20; // packed heads at one time: 16 MiB
constexpr int64_t kPackKeys = 512;                 // keys that a thread packs at a time

// Runs body(item, thread) over [0, count), whoever is free taking the next; stops early once the
// device's owner cancels. Throws Cancelled.
template <typename Body> void shareOut(Context& context, int64_t count, const Body& body) {
    const int threads = static_cast<int>(std::min<int64_t>(context.threads, count));
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int64_t item = 0; item < count; ++item)
        if (!context.cancelled()) body(item, omp_get_thread_num());
    if (context.cancelled()) throw Cancelled{}; // some body may have stopped half-way
}

struct Layout {
    int64_t batch, queries, keys, heads, headSize;

    explicit Layout(const AttentionArgs& args)
        : batch(args.query.dims[0]), queries(args.query.dims[1]), keys(args.key.dims[1]),
          heads(args.heads), headSize(args.query.dims[2] / args.heads) {}

    int64_t rowElements() const { return heads * headSize; }
    // Both numbers keep what follows them aligned to a cache line.
    int64_t headFloats() const {
        return (packedKeyFloats(keys, headSize) + packedValueFloats(keys, headSize) + 15) / 16 * 16;
    }
    int64_t scratchFloats() const { return (blockScratchFloats(headSize) + 15) / 16 * 16; }
};

// The rows of head `index` (counted through all batch items), from row `row`.
HeadRows headRows(const Layout& layout, const TensorRef& tensor, int64_t index, int64_t row) {
    const int64_t item = index / layout.heads;
    const int64_t head = index % layout.heads;
    const int64_t element =
        (item * tensor.dims[1] + row) * layout.rowElements() + head * layout.headSize;
    return {static_cast<char*>(tensor.data) +
                element * static_cast<int64_t>(sizeBytes(tensor.dtype)),
            tensor.dtype, layout.rowElements()};
}

void packGroup(Context& context, const Layout& layout, const AttentionArgs& args, int64_t first,
               int64_t count, float* packed) {
    const int64_t pieces = (layout.keys + kPackKeys - 1) / kPackKeys;
    shareOut(context, count * pieces, [&](int64_t item, int) {
        const int64_t head = item / pieces;
        const int64_t begin = item % pieces * kPackKeys;
        const int64_t end = std::min(begin + kPackKeys, layout.keys);
        float* keys = packed + head * layout.headFloats();
        float* values = keys + packedKeyFloats(layout.keys, layout.headSize);
        packKeys(headRows(layout, args.key, first + head, 0), begin, end, layout.keys,
                 layout.headSize, keys);
        packValues(headRows(layout, args.value, first + head, 0), begin, end, layout.keys,
                   layout.headSize, values);
    });
}

const float* maskRow(const Layout& layout, const TensorRef& mask, int64_t item, int64_t query) {
    if (!mask.data) return nullptr;
    const int64_t ownItem = mask.dims[0] == 1 ? 0 : item;
    const int64_t ownRow = mask.dims[1] == 1 ? 0 : query;
    return static_cast<const float*>(mask.data) + (ownItem * mask.dims[1] + ownRow) * layout.keys;
}

void attendGroup(Context& context, const Layout& layout, const AttentionArgs& args, int64_t first,
                 int64_t count, const float* packed, float* scratch) {
    const int64_t blocks = (layout.queries + kQueryBlock - 1) / kQueryBlock;
    shareOut(context, count * blocks, [&](int64_t item, int thread) {
        const int64_t head = item / blocks;
        const int64_t row = item % blocks * kQueryBlock;
        const float* keys = packed + head * layout.headFloats();
        AttentionBlock block{};
        block.context = &context;
        block.query = headRows(layout, args.query, first + head, row);
        block.rows = std::min(kQueryBlock, layout.queries - row);
        block.firstRow = row;
        block.packedKeys = keys;
        block.packedValues = keys + packedKeyFloats(layout.keys, layout.headSize);
        block.keys = layout.keys;
        block.headSize = layout.headSize;
        block.mask = maskRow(layout, args.mask, (first + head) / layout.heads, row);
        block.maskStride = args.mask.data && args.mask.dims[1] > 1 ? layout.keys : 0;
        block.scale = args.scale;
        block.causal = args.causal;
        block.output = const_cast<void*>(headRows(layout, args.output, first + head, row).data);
        block.scratch = scratch + thread * layout.scratchFloats();
        attendBlock(block);
    });
}

} // namespace

Status attention(Context* context, const AttentionArgs* args) {
    return guarded(context, [&] {
        const Layout layout(*args);
        const int64_t heads = layout.batch * layout.heads;
        if (heads == 0 || layout.queries == 0 || layout.headSize == 0) return;
        const int64_t group =
            std::clamp<int64_t>(kGroupFloats / std::max<int64_t>(layout.headFloats(), 1), 1, heads);
        const int64_t scratchFloats = context->threads * layout.scratchFloats();
        const Scratch memory(*context,
                             static_cast<size_t>(scratchFloats + group * layout.headFloats()) *
                                 sizeof(float));
        if (context->planning()) return;
        float* scratch = memory.as<float>();
        float* packed = scratch + scratchFloats;
        for (int64_t first = 0; first < heads; first += group) {
            const int64_t count = std::min(group, heads - first);
            packGroup(*context, layout, *args, first, count, packed);
            attendGroup(*context, layout, *args, first, count, packed, scratch);
        }
    });
}

} // namespace kinora::kernels::cpu
