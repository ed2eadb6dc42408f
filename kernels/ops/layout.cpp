#include "kernels/ops/layout.h"

#include "kernels/ops/op_call.h"

#include <vector>

namespace kinora::kernels {

namespace {

std::vector<Operand> operandsOf(std::span<const Tensor> parts) {
    std::vector<Operand> operands;
    for (const Tensor& part : parts) operands.push_back({"part", part});
    return operands;
}

void copyInto(const OpCall& call, const Tensor& input, const Tensor& output) {
    if (output.elements() == 0) return;
    const CopyArgs args{ref(input), ref(output)};
    call.finish(
        call.table().copy(call.context(), &args),
        {WorkClass::Memory, 0, static_cast<double>(input.sizeBytes() + output.sizeBytes())});
}

} // namespace

Tensor concat(std::span<const Tensor> parts) {
    const OpCall call("concat", operandsOf(parts));
    const Tensor& first = parts.front();
    call.requireComputeDtype(first);
    call.require(first.shape().rank() >= 1, "the parts must have an axis");
    int64_t channels = 0;
    for (const Tensor& part : parts) {
        call.require(part.dtype() == first.dtype(), "the parts must have one dtype");
        call.require(part.shape().rank() == first.shape().rank() &&
                         part.shape().with(-1, 1) == first.shape().with(-1, 1),
                     "the parts must agree in all extents but the last");
        channels += part.shape().last();
    }
    const Shape joined = first.shape().with(-1, channels);
    Tensor output = call.device().empty(Shape(joined.dims()), first.dtype());
    if (output.elements() == 0) return output;
    std::vector<TensorRef> references;
    for (const Tensor& part : parts) references.push_back(ref(part));
    const ConcatArgs args{references.data(), static_cast<int32_t>(references.size()), ref(output)};
    call.finish(call.table().concat(call.context(), &args),
                {WorkClass::Memory, 0, call.traffic(output)});
    return output;
}

Tensor concat(std::initializer_list<Tensor> parts) {
    return concat(std::span<const Tensor>(parts.begin(), parts.size()));
}

Tensor stack(std::span<const Tensor> parts) {
    const OpCall call("stack", operandsOf(parts));
    const Tensor& first = parts.front();
    call.require(first.shape().rank() >= 1, "the parts must have an axis");
    int64_t rows = 0;
    for (const Tensor& part : parts) {
        call.require(part.dtype() == first.dtype(), "the parts must have one dtype");
        call.require(part.shape().rank() == first.shape().rank() &&
                         part.shape().with(0, 1) == first.shape().with(0, 1),
                     "the parts must agree in all extents but the first");
        rows += part.dim(0);
    }
    const Shape joined = first.shape().with(0, rows);
    Tensor output = call.device().empty(Shape(joined.dims()), first.dtype());
    int64_t row = 0;
    for (const Tensor& part : parts) {
        copyInto(call, part, output.slice(row, row + part.dim(0)));
        row += part.dim(0);
    }
    return output;
}

Tensor permute(const Tensor& x, std::initializer_list<int> order) {
    const OpCall call("permute", {{"x", x}});
    call.requireComputeDtype(x);
    const int rank = x.shape().rank();
    call.require(static_cast<int>(order.size()) == rank, "the order must name every axis once");
    PermuteArgs args{ref(x), {}, {}};
    unsigned named = 0;
    Shape shape = x.shape();
    int axis = 0;
    for (const int source : order) {
        call.require(source >= 0 && source < rank && !(named >> source & 1u),
                     "the order must name every axis once");
        named |= 1u << source;
        args.order[axis] = source;
        shape = shape.with(axis++, x.dim(source));
    }
    Tensor output = call.device().empty(shape, x.dtype());
    if (output.elements() == 0) return output;
    args.output = ref(output);
    call.finish(call.table().permute(call.context(), &args),
                {WorkClass::Memory, 0, call.traffic(output)});
    return output;
}

Tensor convert(const Tensor& x, DType dtype) {
    const OpCall call("convert", {{"x", x}});
    if (x.dtype() == dtype) return x;
    Tensor output = call.device().empty(x.shape(), dtype);
    call.requireComputeDtype(output);
    copyInto(call, x, output);
    return output;
}

Tensor clone(const Tensor& x) {
    const OpCall call("clone", {{"x", x}});
    Tensor output = call.device().empty(x.shape(), x.dtype());
    copyInto(call, x, output);
    return output;
}

} // namespace kinora::kernels
