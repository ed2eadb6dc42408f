#include "kernels/ops/elementwise.h"

#include "kernels/ops/op_call.h"

#include <algorithm>
#include <array>
#include <vector>

namespace kinora::kernels {

namespace {

WorkRecord memoryWork(const OpCall& call, const Tensor& output, double operationsPerElement) {
    return {WorkClass::Memory, operationsPerElement * static_cast<double>(output.elements()),
            call.traffic(output)};
}

// About what an exponential and a division cost.
constexpr double kActivationOperations = 10;

Tensor binary(const char* name, BinaryOp op, const Tensor& a, const Tensor& b) {
    const OpCall call(name, {{"a", a}, {"b", b}});
    call.requireComputeDtype(a);
    call.requireComputeDtype(b);
    call.require(a.shape().rank() == b.shape().rank(), "both sides must have as many axes");
    Shape shape = a.shape();
    for (int axis = 0; axis < shape.rank(); ++axis) {
        const int64_t left = a.dim(axis), right = b.dim(axis);
        call.require(left == right || left == 1 || right == 1,
                     "an extent must agree with the other side's or be 1");
        if (left == 1) shape = shape.with(axis, right);
    }
    // The extents that repeat multiply: count them again, checked.
    Tensor output = call.device().empty(Shape(shape.dims()), a.dtype());
    if (output.elements() == 0) return output;
    const BinaryArgs args{ref(a), ref(b), ref(output), op};
    call.finish(call.table().binary(call.context(), &args), memoryWork(call, output, 1));
    return output;
}

} // namespace

Tensor activate(const Tensor& x, Activation activation) {
    const OpCall call("activate", {{"x", x}});
    call.requireComputeDtype(x);
    Tensor output = call.device().empty(x.shape(), x.dtype());
    if (output.elements() == 0) return output;
    const ActivationArgs args{ref(x), ref(output), activation};
    call.finish(call.table().activate(call.context(), &args),
                memoryWork(call, output, kActivationOperations));
    return output;
}

Tensor glu(const Tensor& x, Activation activation) {
    const OpCall call("glu", {{"x", x}});
    call.requireComputeDtype(x);
    call.require(x.shape().rank() >= 1 && x.shape().last() % 2 == 0, "the last axis must be even");
    Tensor output = call.device().empty(x.shape().with(-1, x.shape().last() / 2), x.dtype());
    if (output.elements() == 0) return output;
    const GluArgs args{ref(x), ref(output), activation};
    call.finish(call.table().glu(call.context(), &args),
                memoryWork(call, output, kActivationOperations + 1));
    return output;
}

Tensor add(const Tensor& a, const Tensor& b) {
    return binary("add", BinaryOp::Add, a, b);
}

Tensor subtract(const Tensor& a, const Tensor& b) {
    return binary("subtract", BinaryOp::Subtract, a, b);
}

Tensor multiply(const Tensor& a, const Tensor& b) {
    return binary("multiply", BinaryOp::Multiply, a, b);
}

Tensor divide(const Tensor& a, const Tensor& b) {
    return binary("divide", BinaryOp::Divide, a, b);
}

Tensor leakyRelu(const Tensor& a, const Tensor& slope) {
    return binary("leakyRelu", BinaryOp::LeakyRelu, a, slope);
}

Tensor linearCombination(std::span<const Term> terms) {
    std::vector<Operand> operands;
    for (const Term& term : terms) operands.push_back({"term", term.tensor});
    const OpCall call("linearCombination", std::move(operands));
    call.require(terms.size() <= kMaxTerms, "there are more than eight terms");
    const Tensor& first = terms.front().tensor;
    std::array<TensorRef, kMaxTerms> references;
    std::array<double, kMaxTerms> coefficients;
    for (size_t i = 0; i < terms.size(); ++i) {
        call.require(terms[i].tensor.dtype() == DType::F32, "the terms must be f32");
        call.require(terms[i].tensor.shape() == first.shape(), "the terms must have one shape");
        references[i] = ref(terms[i].tensor);
        coefficients[i] = terms[i].coefficient;
    }
    Tensor output = call.device().empty(first.shape(), DType::F32);
    if (output.elements() == 0) return output;
    const LinearCombinationArgs args{references.data(), coefficients.data(),
                                     static_cast<int32_t>(terms.size()), ref(output)};
    call.finish(call.table().linearCombination(call.context(), &args),
                memoryWork(call, output, 2 * static_cast<double>(terms.size())));
    return output;
}

Tensor linearCombination(std::initializer_list<Term> terms) {
    return linearCombination(std::span<const Term>(terms.begin(), terms.size()));
}

Tensor clamp(const Tensor& x, float low, float high) {
    const OpCall call("clamp", {{"x", x}});
    call.requireComputeDtype(x);
    call.require(low <= high, "the lower bound is above the upper one");
    Tensor output = call.device().empty(x.shape(), x.dtype());
    if (output.elements() == 0) return output;
    const ClampArgs args{ref(x), ref(output), low, high};
    call.finish(call.table().clamp(call.context(), &args), memoryWork(call, output, 2));
    return output;
}

Tensor softmax(const Tensor& x, float scale) {
    const OpCall call("softmax", {{"x", x}});
    call.requireComputeDtype(x);
    call.require(x.shape().rank() >= 1, "x must have an axis");
    Tensor output = call.device().empty(x.shape(), x.dtype());
    if (output.elements() == 0) return output;
    const SoftmaxArgs args{ref(x), ref(output), scale};
    call.finish(call.table().softmax(call.context(), &args),
                memoryWork(call, output, kActivationOperations));
    return output;
}

} // namespace kinora::kernels
