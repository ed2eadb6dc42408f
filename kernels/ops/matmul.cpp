#include "kernels/ops/matmul.h"

#include "kernels/base/error.h"
#include "kernels/ops/op_call.h"

#include <string>

namespace kinora::kernels {

namespace {

enum class Gated { No, Yes };

Tensor product(const char* name, const Tensor& input, const Weight& weight, const Tensor& bias,
               Activation activation, const Tensor& residual, Gated gated) {
    const OpCall call(name, {{"input", input},
                             {"bias", bias, Presence::Optional},
                             {"residual", residual, Presence::Optional}});
    call.requireComputeDtype(input);
    call.require(input.shape().rank() >= 1, "the input must have an axis");
    call.requireWeight(weight, WeightKind::Linear, input.dtype());
    const Shape& matrix = weight.shape();
    call.require(matrix.rank() == 2, "the weight must be [out, in]");
    if (matrix[1] != input.shape().last() || matrix.elements() == 0)
        throw Error(ErrorCode::Internal,
                    std::string(name) + ": an input of shape " + toString(input.shape()) +
                        " does not fit a weight of shape " + toString(matrix) + ".");
    call.requireChannelVector(bias, matrix[0]);
    if (gated == Gated::Yes) call.require(matrix[0] % 2 == 0, "the number of outputs must be even");
    const int64_t outputs = gated == Gated::Yes ? matrix[0] / 2 : matrix[0];
    const Shape shape = input.shape().with(-1, outputs);
    if (residual.defined())
        call.require(residual.shape() == shape && residual.dtype() == input.dtype(),
                     "the residual must be shaped as the output, in the input's dtype");

    Tensor output = call.device().empty(shape, input.dtype());
    if (output.elements() == 0) return output;
    const int64_t rows = input.elements() / matrix[1];
    const Shape outputRows{rows, outputs};
    const LinearArgs args{ref(input.reshape({rows, matrix[1]})),
                          weight.packed(),
                          ref(bias),
                          residual.defined() ? ref(residual.reshape(outputRows)) : ref(residual),
                          ref(output.reshape(outputRows)),
                          activation,
                          gated == Gated::Yes};
    const double macs = static_cast<double>(rows) * static_cast<double>(matrix.elements());
    call.finish(call.table().linear(call.context(), &args),
                {WorkClass::Matmul, 2 * macs,
                 call.traffic(output) + static_cast<double>(weight.sizeBytes())});
    return output;
}

} // namespace

Tensor linear(const Tensor& input, const Weight& weight, const Tensor& bias, Activation activation,
              const Tensor& residual) {
    return product("linear", input, weight, bias, activation, residual, Gated::No);
}

Tensor gatedLinear(const Tensor& input, const Weight& weight, const Tensor& bias,
                   Activation activation) {
    return product("gatedLinear", input, weight, bias, activation, {}, Gated::Yes);
}

Tensor matmul(const Tensor& a, const Tensor& b, Transpose transposeB, float scale) {
    const OpCall call("matmul", {{"a", a}, {"b", b}});
    call.requireComputeDtype(a);
    call.require(a.dtype() == b.dtype(), "both sides must have one dtype");
    call.require(a.shape().rank() == 3 && b.shape().rank() == 3, "both sides must have three axes");
    const bool transposed = transposeB == Transpose::Yes;
    call.require(a.dim(0) == b.dim(0), "the batches must agree");
    call.require(a.dim(2) == b.dim(transposed ? 2 : 1) && a.dim(2) > 0,
                 "the inner extents must agree and not be empty");

    Tensor output = call.device().empty({a.dim(0), a.dim(1), b.dim(transposed ? 1 : 2)}, a.dtype());
    if (output.elements() == 0) return output;
    const MatmulArgs args{ref(a), ref(b), ref(output), transposed, scale};
    const double macs = static_cast<double>(output.elements()) * static_cast<double>(a.dim(2));
    call.finish(call.table().matmul(call.context(), &args),
                {WorkClass::Matmul, 2 * macs, call.traffic(output)});
    return output;
}

} // namespace kinora::kernels
