// Attention: shares the heads and the blocks of queries out among the threads.

#include "kernels/base/rounding.h"
#include "kernels/cpu/attention_bf16.h"
#include "kernels/cpu/attention_kernel.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_ops.h"

#include <algorithm>

namespace kinora::kernels::cpu {

namespace {

constexpr size_t kGroupBytes = size_t{16} << 20; // packed heads at one time
constexpr int64_t kPackKeys = 512;               // keys that a thread packs at a time

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

// Heads of one call, by one kernel.
struct Heads {
    Context& context;
    const AttentionArgs& args;
    const Layout& layout;
    const AttentionKernel& kernel;
    size_t packedBytes = kernel.packedBytes(layout.keys, layout.headSize);
    size_t scratchBytes = kernel.scratchBytes(layout.headSize);

    // Packs heads [first, first + count) one behind the other.
    void pack(int64_t first, int64_t count, char* packed) const {
        const int64_t pieces = ceilDiv(layout.keys, kPackKeys);
        shareOut(context, count * pieces, [&](int64_t item, int) {
            const int64_t head = item / pieces;
            const int64_t begin = item % pieces * kPackKeys;
            const int64_t end = std::min(begin + kPackKeys, layout.keys);
            kernel.pack(headRows(layout, args.key, first + head, 0),
                        headRows(layout, args.value, first + head, 0), begin, end, layout.keys,
                        layout.headSize, packed + static_cast<size_t>(head) * packedBytes);
        });
    }

    void attend(int64_t first, int64_t count, const char* packed, char* scratch) const;
};

const float* maskRow(const Layout& layout, const TensorRef& mask, int64_t item, int64_t query) {
    if (!mask.data) return nullptr;
    const int64_t ownItem = mask.dims[0] == 1 ? 0 : item;
    const int64_t ownRow = mask.dims[1] == 1 ? 0 : query;
    return static_cast<const float*>(mask.data) + (ownItem * mask.dims[1] + ownRow) * layout.keys;
}

void Heads::attend(int64_t first, int64_t count, const char* packed, char* scratch) const {
    const int64_t blocks = (layout.queries + kernel.queryBlock - 1) / kernel.queryBlock;
    shareOut(context, count * blocks, [&](int64_t item, int thread) {
        const int64_t head = item / blocks;
        const int64_t row = item % blocks * kernel.queryBlock;
        AttentionBlock block{};
        block.context = &context;
        block.query = headRows(layout, args.query, first + head, row);
        block.rows = std::min(kernel.queryBlock, layout.queries - row);
        block.firstRow = row;
        block.packed = packed + static_cast<size_t>(head) * packedBytes;
        block.keys = layout.keys;
        block.headSize = layout.headSize;
        block.mask = maskRow(layout, args.mask, (first + head) / layout.heads, row);
        block.maskStride = args.mask.data && args.mask.dims[1] > 1 ? layout.keys : 0;
        block.scale = args.scale;
        block.causal = args.causal;
        block.output = const_cast<void*>(headRows(layout, args.output, first + head, row).data);
        block.scratch = scratch + static_cast<size_t>(thread) * scratchBytes;
        kernel.attend(block);
    });
}

const AttentionKernel& kernelFor(const AttentionArgs& args) {
    const bool plain = !args.mask.data && !args.causal && args.scale > 0;
    if (plain && args.query.dtype == DType::BF16)
        if (const AttentionKernel* kernel = attentionBf16()) return *kernel;
    return kAttentionF32;
}

} // namespace

Status attention(Context* context, const AttentionArgs* args) {
    return guarded(context, [&] {
        const Layout layout(*args);
        const int64_t count = layout.batch * layout.heads;
        if (count == 0 || layout.queries == 0 || layout.headSize == 0) return;
        const Heads heads{*context, *args, layout, kernelFor(*args)};
        const int64_t group = std::clamp<int64_t>(
            static_cast<int64_t>(kGroupBytes / std::max<size_t>(heads.packedBytes, 1)), 1, count);
        const size_t scratchBytes = static_cast<size_t>(context->threads) * heads.scratchBytes;
        const Scratch memory(*context,
                             scratchBytes + static_cast<size_t>(group) * heads.packedBytes);
        if (context->planning()) return;
        char* scratch = memory.as<char>();
        char* packed = scratch + scratchBytes;
        for (int64_t first = 0; first < count; first += group) {
            const int64_t many = std::min(group, count - first);
            heads.pack(first, many, packed);
            heads.attend(first, many, packed, scratch);
        }
    });
}

} // namespace kinora::kernels::cpu
