#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/packed_weight.h"
#include "kernels/cpu/weight_tiles.h"
#include "kernels/cpu/winograd.h"

#include <memory>

namespace kinora::kernels::cpu {

namespace {

using Layout = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

Layout plainLayout(const PackedWeight& weight, WeightForm form) {
    return form == WeightForm::Kernel ? plainKernel(weight) : plainMatrix(weight);
}

// Moves plain values into fresh storage of the given layout; where the device plans, only notes it.
void store(Context& context, const PackedWeight& weight, void* values, WeightForm form,
           const Layout& layout) {
    weight.layout = layout;
    weight.form = form;
    if (context.planning()) return;
    DnnlState& state = dnnlState(context);
    HostBlock storage(layout.get_size());
    state.reorder(plainLayout(weight, form), values, layout, storage.data());
    weight.memory = dnnl::memory(layout, state.engine, storage.data());
    weight.storage = std::move(storage);
}

// The values in plain memory, which is the same for a matrix and for the kernel that it is.
void readPlain(Context& context, const PackedWeight& weight, void* plain) {
    if (context.planning()) return;
    dnnlState(context).reorder(weight.layout, weight.storage.data(),
                               plainLayout(weight, weight.form), plain);
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

const dnnl::memory& weightAs(Context& context, const PackedWeight& weight, WeightForm form,
                             const Layout& layout) {
    if (weight.form == form && weight.layout == layout) return weight.memory;
    // By way of the plain layout, which oneDNN converts every other from and to at full speed.
    const Scratch plain(context, plainKernel(weight).get_size());
    readPlain(context, weight, plain.as<void>());
    store(context, weight, plain.as<void>(), form, layout);
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
        const bool asMatrix =
            weight->kernelHeight == 1 && weight->kernelWidth == 1 && args->stride <= 1;
        if (const auto form = winogradForm(*weight, args->stride)) {
            packForWinograd(*context, *weight, *form, plain.data);
        } else if (multipliesByTiles(*weight)) {
            packTiles(*context, *weight, plain.data);
        } else {
            const Layout layout = asMatrix ? preferredMatrixLayout(state, *weight)
                                           : preferredKernelLayout(state, *weight, args->stride);
            store(*context, *weight, plain.data, asMatrix ? WeightForm::Matrix : WeightForm::Kernel,
                  layout);
            weight->reportedBytes = layout.get_size();
        }
        *out = weight.release();
    });
}

size_t packedSizeBytes(const PackedWeight* weight) {
    return weight->reportedBytes;
}

int32_t isForWinograd(const PackedWeight* weight) {
    return weight->form == WeightForm::Winograd || weight->form == WeightForm::WinogradPlain;
}

void releaseWeight(Context*, PackedWeight* weight) {
    const std::unique_ptr<PackedWeight> owned(weight); // the border carries plain pointers
}

} // namespace kinora::kernels::cpu
