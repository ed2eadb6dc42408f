// Convolution over pictures with channels last: by oneDNN, but for weights kept for Winograd's way.

#include "kernels/base/rounding.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/packed_weight.h"
#include "kernels/cpu/weight_tiles.h"
#include "kernels/cpu/winograd.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace kinora::kernels::cpu {

namespace {

using Layout = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Dims = dnnl::memory::dims;
using Residual = CachedPrimitive::Residual;

Layout pictures(const TensorRef& tensor) { // oneDNN names extents N, C, H, W in any layout
    return {{tensor.dims[0], tensor.dims[3], tensor.dims[1], tensor.dims[2]},
            dnnlType(tensor.dtype),
            Tag::nhwc};
}

Layout biasOf(int64_t outputs) {
    return {{outputs}, dnnl::memory::data_type::f32, Tag::x};
}

dnnl::convolution_forward::primitive_desc
describe(const Conv2dArgs& args, const dnnl::post_ops& operations, const dnnl::engine& engine) {
    const Layout source = pictures(args.input);
    const Layout target = pictures(args.output);
    const Layout weights(
        {args.output.dims[3], args.input.dims[3], args.kernelHeight, args.kernelWidth},
        dnnlType(args.input.dtype), Tag::any);
    const Dims strides{args.strideHeight, args.strideWidth};
    const Dims dilation{args.dilationHeight - 1, args.dilationWidth - 1}; // oneDNN's 0 is dense
    const Dims before{args.padTop, args.padLeft};
    const Dims after{args.padBottom, args.padRight};
    constexpr auto kKind = dnnl::prop_kind::forward_inference;
    constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;
    dnnl::primitive_attr attributes = baseAttributes();
    attributes.set_post_ops(operations);
    if (!args.bias.data)
        return {{kKind, kAlgorithm, source, weights, target, strides, dilation, before, after},
                attributes,
                engine};
    return {{kKind, kAlgorithm, source, weights, biasOf(args.output.dims[3]), target, strides,
             dilation, before, after},
            attributes,
            engine};
}

// Every pixel of the output sees at least one of the input.
bool hasOrdinaryPadding(const Conv2dArgs& args) {
    const int32_t reachDown = args.dilationHeight * (args.kernelHeight - 1) + 1;
    const int32_t reachRight = args.dilationWidth * (args.kernelWidth - 1) + 1;
    return args.padTop < reachDown && args.padBottom < reachDown && args.padLeft < reachRight &&
           args.padRight < reachRight;
}

struct ConvolutionPlan {
    dnnl::convolution_forward::primitive_desc description;
    Residual residual;
};

// The residual goes into the kernel where that does not cost the fast kernel.
ConvolutionPlan plan(const Conv2dArgs& args, const dnnl::engine& engine) {
    const auto plain = describe(args, {}, engine);
    if (!args.residual.data) return {plain, Residual::Fused};
    // oneDNN 2.6.3 forgets what it should add to where a pixel sees padding alone (brgconv).
    if (!hasOrdinaryPadding(args)) return {plain, Residual::After};
    // oneDNN 2.6.3 adds wrong values in its convolution by gemm (processors without AVX-512).
    const bool viaGemm =
        std::string_view(plain.impl_info_str()).find("gemm") != std::string_view::npos;
    for (const Residual how : {Residual::Fused, Residual::Accumulated}) {
        dnnl::post_ops operations;
        if (how == Residual::Fused && viaGemm) continue;
        if (how == Residual::Fused)
            operations.append_binary(dnnl::algorithm::binary_add, pictures(args.output));
        else
            operations.append_sum(1.0f);
        try {
            const auto fused = describe(args, operations, engine);
            if (std::string_view(fused.impl_info_str()) == plain.impl_info_str())
                return {fused, how};
        } catch (const dnnl::error& error) {
            if (error.status != dnnl_unimplemented) throw;
        }
    }
    return {plain, Residual::After};
}

std::unique_ptr<CachedPrimitive> build(const Context& context, const Conv2dArgs& args) {
    const DnnlState& state = *context.dnnl;
    const ConvolutionPlan planned = plan(args, state.engine);
    dnnl::primitive primitive;
    if (!context.planning()) primitive = dnnl::convolution_forward(planned.description);
    auto built = std::make_unique<CachedPrimitive>(
        std::move(primitive), planned.description.scratchpad_desc(), state.engine);
    built->declare(DNNL_ARG_SRC, pictures(args.input), state.engine);
    built->declare(DNNL_ARG_DST, pictures(args.output), state.engine);
    if (args.bias.data) built->declare(DNNL_ARG_BIAS, biasOf(args.output.dims[3]), state.engine);
    if (args.residual.data && planned.residual == Residual::Fused) {
        built->residualArgument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1;
        built->declare(built->residualArgument, pictures(args.output), state.engine);
    }
    built->weights = planned.description.weights_desc();
    built->residual = planned.residual;
    return built;
}

PrimitiveKey keyOf(const Conv2dArgs& args) {
    return {{static_cast<int64_t>(PrimitiveKind::Convolution),
             static_cast<int64_t>(args.input.dtype), args.input.dims[0], args.input.dims[1],
             args.input.dims[2], args.input.dims[3], args.output.dims[3], args.kernelHeight,
             args.kernelWidth, args.strideHeight, args.strideWidth, args.padTop, args.padLeft,
             args.padBottom, args.padRight, args.dilationHeight, args.dilationWidth,
             args.bias.data != nullptr, args.residual.data != nullptr}};
}

size_t bytesOf(const TensorRef& tensor) {
    int64_t elements = 1;
    for (int axis = 0; axis < tensor.rank; ++axis) elements *= tensor.dims[axis];
    return static_cast<size_t>(elements) * sizeBytes(tensor.dtype);
}

void convolve(Context& context, const Conv2dArgs& args) {
    DnnlState& state = dnnlState(context);
    CachedPrimitive& primitive = state.find(keyOf(args), [&] { return build(context, args); });
    const dnnl::memory& weights =
        weightAs(context, *args.weight, WeightForm::Kernel, primitive.weights);
    if (context.planning()) return primitive.run(context);
    primitive.borrow(DNNL_ARG_WEIGHTS, weights);
    primitive.set(DNNL_ARG_SRC, args.input.data);
    primitive.set(DNNL_ARG_DST, args.output.data);
    if (args.bias.data) primitive.set(DNNL_ARG_BIAS, args.bias.data);
    const bool residual = args.residual.data;
    if (residual && primitive.residual == Residual::Fused)
        primitive.set(primitive.residualArgument, args.residual.data);
    if (residual && primitive.residual == Residual::Accumulated)
        copyBytes(context, args.output.data, args.residual.data, bytesOf(args.output));
    primitive.run(context);
    if (residual && primitive.residual == Residual::After) {
        const BinaryArgs sum{args.output, args.residual, args.output, BinaryOp::Add};
        if (binary(&context, &sum) != Status::Ok) throw std::runtime_error(context.lastError);
    }
}

// Rows [begin, end) of one picture of the output, with the rows of the input that they need.
Conv2dArgs band(const Conv2dArgs& args, int64_t picture, int64_t begin, int64_t end) {
    const auto rows = [picture](const TensorRef& all, int64_t first, int64_t count) {
        if (!all.data) return all;
        TensorRef some = all;
        const int64_t row = all.dims[2] * all.dims[3];
        some.data =
            static_cast<char*>(all.data) +
            static_cast<size_t>((picture * all.dims[1] + first) * row) * sizeBytes(all.dtype);
        some.dims[0] = 1;
        some.dims[1] = count;
        return some;
    };
    const int64_t height = args.input.dims[1];
    const int64_t first = begin * args.strideHeight - args.padTop;
    const int64_t last = // one past
        (end - 1) * args.strideHeight - args.padTop +
        args.dilationHeight * (args.kernelHeight - 1) + 1;
    const int64_t from = std::clamp<int64_t>(first, 0, height - 1);
    const int64_t to = std::clamp<int64_t>(last, from + 1, height);
    Conv2dArgs part = args;
    part.input = rows(args.input, from, to - from);
    part.residual = rows(args.residual, begin, end - begin);
    part.output = rows(args.output, begin, end - begin);
    part.padTop = static_cast<int32_t>(from - first);
    part.padBottom = static_cast<int32_t>(last - to);
    return part;
}

bool isMatrixProduct(const Conv2dArgs& args) {
    return args.kernelHeight == 1 && args.kernelWidth == 1 && args.strideHeight == 1 &&
           args.strideWidth == 1 && !args.padTop && !args.padLeft && !args.padBottom &&
           !args.padRight;
}

void convolveAsMatrix(Context& context, const Conv2dArgs& args) {
    const auto rows = [](const TensorRef& tensor) {
        TensorRef matrix{tensor.data, tensor.dtype, 2, {}};
        matrix.dims[0] = tensor.dims[0] * tensor.dims[1] * tensor.dims[2];
        matrix.dims[1] = tensor.dims[3];
        return matrix;
    };
    linearRows(context, {rows(args.input), args.weight, args.bias, rows(args.residual),
                         rows(args.output), Activation::None, 0});
}

void convolveInParts(Context& context, const Conv2dArgs& args, int64_t parts) {
    const int64_t pictures = args.output.dims[0];
    const int64_t height = args.output.dims[1];
    const int64_t bands = std::min(ceilDiv(parts, pictures), height);
    for (int64_t picture = 0; picture < pictures; ++picture)
        for (int64_t index = 0; index < bands; ++index) {
            checkCancelled(context);
            convolve(context,
                     band(args, picture, height * index / bands, height * (index + 1) / bands));
        }
}

} // namespace

Layout preferredKernelLayout(DnnlState& state, const PackedWeight& weight, int stride) {
    constexpr int64_t kOrdinary = 32; // pixels of output in each direction
    const int64_t step = std::max(stride, 1);
    const int64_t padHeight = weight.kernelHeight / 2;
    const int64_t padWidth = weight.kernelWidth / 2;
    const int64_t height = kOrdinary * step + weight.kernelHeight - 1 - 2 * padHeight;
    const int64_t width = kOrdinary * step + weight.kernelWidth - 1 - 2 * padWidth;
    Conv2dArgs args{};
    args.input = {nullptr, weight.dtype, 4, {1, height, width, weight.inputs}};
    args.output = {nullptr, weight.dtype, 4, {1, kOrdinary, kOrdinary, weight.outputs}};
    args.padTop = args.padBottom = static_cast<int32_t>(padHeight);
    args.padLeft = args.padRight = static_cast<int32_t>(padWidth);
    args.kernelHeight = static_cast<int32_t>(weight.kernelHeight);
    args.kernelWidth = static_cast<int32_t>(weight.kernelWidth);
    args.strideHeight = args.strideWidth = static_cast<int32_t>(step);
    args.dilationHeight = args.dilationWidth = 1;
    return describe(args, {}, state.engine).weights_desc();
}

Status conv2d(Context* context, const Conv2dArgs* args) {
    return guardedDnnl(context, [&] {
        if (bytesOf(args->output) == 0) return;
        const WeightForm form = args->weight->form;
        if (form == WeightForm::Winograd || form == WeightForm::WinogradPlain)
            return convolveByWinograd(*context, *args);
        if (isMatrixProduct(*args)) return convolveAsMatrix(*context, *args);
        if (form == WeightForm::Tiles) return convolveByTiles(*context, *args);
        const double work =
            2.0 * static_cast<double>(bytesOf(args->output) / sizeBytes(args->output.dtype)) *
            static_cast<double>(args->input.dims[3] * args->kernelHeight * args->kernelWidth);
        const int64_t parts = partsOf(work);
        if (parts == 1 || !hasOrdinaryPadding(*args)) return convolve(*context, *args);
        convolveInParts(*context, *args, parts);
    });
}

} // namespace kinora::kernels::cpu
