#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/packed_weight.h"
#include "kernels/cpu/winograd.h"

#include <memory>

namespace kinora::kernels::cpu {

namespace {

using Layout = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

// Moves values into fresh storage of the given layout; where the device plans, only notes it.
void store(Context& context, const PackedWeight& weight, const Layout& plain, void* values,
           bool asMatrix, const Layout& layout) {
    weight.layout = layout;
    weight.asMatrix = asMatrix;
    if (context.planning()) return;
    DnnlState& state = dnnlState(context);
    HostBlock storage(layout.get_size());
    state.reorder(plain, values, layout, storage.data());
    weight.memory = dnnl::memory(layout, state.engine, storage.data());
    weight.storage = std::move(storage);
}

} // namespace

Layout plainKernel(const PackedWeight& weight) {
    return {{weight.outputs, weight.inputs, weight.kernelHeight, weight.kernelWidth},
            dnnlType(weight.dtype),
            Tag::oihw};
}

Layout plainMatrix(const PackedWeight& weight) {
    return {{weight.inputs, weight.outputs}, dnnlType(weight.dtype), Tag::ba};
}

const dnnl::memory& weightAs(Context& context, const PackedWeight& weight, bool asMatrix,
                             const Layout& layout) {
    if (weight.asMatrix == asMatrix && weight.layout == layout) return weight.memory;
    DnnlState& state = dnnlState(context);
    // By way of the plain layout, which oneDNN converts every other from and to at full speed.
    const Layout from = weight.asMatrix ? plainMatrix(weight) : plainKernel(weight);
    const Layout to = asMatrix ? plainMatrix(weight) : plainKernel(weight);
    const Scratch plain(context, from.get_size());
    if (!context.planning())
        state.reorder(weight.layout, weight.storage.data(), from, plain.as<void>());
    store(context, weight, to, plain.as<void>(), asMatrix, layout);
    return weight.memory;
}

Status packWeight(Context* context, const PackArgs* args, PackedWeight** out) {
    return guardedDnnl(context, [&] {
        DnnlState& state = dnnlState(*context);
        auto weight = std::make_unique<PackedWeight>();
        const TensorRef& plain = args->plain;
        weight->dtype = plain.dtype;
        weight->outputs = plain.dims[0];
        weight->inputs = plain.dims[1];
        if (args->kind == WeightKind::Conv2d) {
            weight->kernelHeight = plain.dims[2];
            weight->kernelWidth = plain.dims[3];
        }
        if (args->kind == WeightKind::Conv2d && winogradPays(*weight, args->stride)) {
            packForWinograd(*context, *weight, plain.data);
            *out = weight.release();
            return;
        }
        const bool asMatrix =
            weight->kernelHeight == 1 && weight->kernelWidth == 1 && args->stride <= 1;
        const Layout from = asMatrix ? plainMatrix(*weight) : plainKernel(*weight);
        const Layout to = asMatrix ? preferredMatrixLayout(state, *weight)
                                   : preferredKernelLayout(state, *weight, args->stride);
        store(*context, *weight, from, plain.data, asMatrix, to);
        weight->reportedBytes = to.get_size();
        *out = weight.release();
    });
}

size_t packedSizeBytes(const PackedWeight* weight) {
    return weight->reportedBytes;
}

void releaseWeight(Context*, PackedWeight* weight) {
    const std::unique_ptr<PackedWeight> owned(weight); // the border carries plain pointers
}

} // namespace kinora::kernels::cpu
