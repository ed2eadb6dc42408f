// Matrix products: by a packed weight with everything that follows fused, by tiles of our own or by
// oneDNN; and of two tensors, by oneDNN.

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/packed_weight.h"
#include "kernels/cpu/weight_tiles.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace kinora::kernels::cpu {

namespace {

using Layout = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Residual = CachedPrimitive::Residual;
constexpr auto kF32 = dnnl::memory::data_type::f32;

struct LinearShape {
    int64_t rows, inputs, outputs;
    dnnl::memory::data_type type;
    bool bias;
};

Layout rowsOf(int64_t rows, int64_t columns, dnnl::memory::data_type type) {
    return {{rows, columns}, type, Tag::ab};
}

dnnl::matmul::primitive_desc describeLinear(const LinearShape& shape,
                                            const dnnl::post_ops& operations,
                                            const dnnl::engine& engine) {
    const Layout source = rowsOf(shape.rows, shape.inputs, shape.type);
    const Layout target = rowsOf(shape.rows, shape.outputs, shape.type);
    const Layout weights({shape.inputs, shape.outputs}, shape.type, Tag::any);
    dnnl::primitive_attr attributes = baseAttributes();
    attributes.set_post_ops(operations);
    if (!shape.bias) return {{source, weights, target}, attributes, engine};
    return {{source, weights, rowsOf(1, shape.outputs, kF32), target}, attributes, engine};
}

struct LinearPlan {
    dnnl::matmul::primitive_desc description;
    Residual residual;
    bool activationAfter;
};

// Fuses as much as oneDNN takes without leaving its fast kernel.
LinearPlan planLinear(const LinearShape& shape, Activation activation, bool residual,
                      const dnnl::engine& engine) {
    const auto plain = describeLinear(shape, {}, engine);
    if (activation == Activation::None && !residual) return {plain, Residual::Fused, false};
    const Layout target = rowsOf(shape.rows, shape.outputs, shape.type);
    for (const Residual how : {Residual::Fused, Residual::Accumulated, Residual::After}) {
        dnnl::post_ops operations;
        if (!appendActivation(operations, activation)) break;
        if (residual && how == Residual::Fused)
            operations.append_binary(dnnl::algorithm::binary_add, target);
        if (residual && how == Residual::Accumulated) operations.append_sum(1.0f);
        try {
            const auto fused = describeLinear(shape, operations, engine);
            if (std::string_view(fused.impl_info_str()) == plain.impl_info_str())
                return {fused, how, false};
        } catch (const dnnl::error& error) {
            if (error.status != dnnl_unimplemented) throw;
        }
        if (!residual) break;
    }
    return {plain, Residual::After, activation != Activation::None};
}

std::unique_ptr<CachedPrimitive> makePrimitive(const Context& context,
                                               const dnnl::matmul::primitive_desc& description) {
    dnnl::primitive primitive;
    if (!context.planning()) primitive = dnnl::matmul(description);
    return std::make_unique<CachedPrimitive>(std::move(primitive), description.scratchpad_desc(),
                                             context.dnnl->engine);
}

std::unique_ptr<CachedPrimitive> buildLinear(const Context& context, const LinearShape& shape,
                                             Activation activation, bool residual) {
    const DnnlState& state = *context.dnnl;
    const LinearPlan plan = planLinear(shape, activation, residual, state.engine);
    auto built = makePrimitive(context, plan.description);
    const Layout target = rowsOf(shape.rows, shape.outputs, shape.type);
    built->declare(DNNL_ARG_SRC, rowsOf(shape.rows, shape.inputs, shape.type), state.engine);
    built->declare(DNNL_ARG_DST, target, state.engine);
    if (shape.bias) built->declare(DNNL_ARG_BIAS, rowsOf(1, shape.outputs, kF32), state.engine);
    if (residual && plan.residual == Residual::Fused) {
        const int position = activation == Activation::None ? 0 : 1;
        built->residualArgument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(position) | DNNL_ARG_SRC_1;
        built->declare(built->residualArgument, target, state.engine);
    }
    built->weights = plan.description.weights_desc();
    built->residual = plan.residual;
    built->activationAfter = plan.activationAfter;
    return built;
}

void require(Context& context, Status status) {
    if (status != Status::Ok) throw std::runtime_error(context.lastError);
}

// What the primitive could not do itself.
void finish(Context& context, const CachedPrimitive& primitive, const LinearArgs& args) {
    if (primitive.activationAfter) {
        const ActivationArgs activation{args.output, args.output, args.activation};
        require(context, activate(&context, &activation));
    }
    if (args.residual.data && primitive.residual == Residual::After) {
        const BinaryArgs sum{args.output, args.residual, args.output, BinaryOp::Add};
        require(context, binary(&context, &sum));
    }
}

void linearPart(Context& context, const LinearArgs& args) {
    DnnlState& state = dnnlState(context);
    const PackedWeight& weight = *args.weight;
    const bool bias = args.bias.data;
    const bool residual = args.residual.data;
    const int64_t rows = args.input.dims[0];
    const PrimitiveKey key{{static_cast<int64_t>(PrimitiveKind::Linear),
                            static_cast<int64_t>(args.input.dtype), rows, weight.inputs,
                            weight.outputs, bias, residual, static_cast<int64_t>(args.activation)}};
    CachedPrimitive& primitive = state.find(key, [&] {
        const LinearShape shape{rows, weight.inputs, weight.outputs, dnnlType(args.input.dtype),
                                bias};
        return buildLinear(context, shape, args.activation, residual);
    });
    const dnnl::memory& weights = weightAs(context, weight, WeightForm::Matrix, primitive.weights);
    if (context.planning()) return primitive.run(context);
    primitive.borrow(DNNL_ARG_WEIGHTS, weights);
    primitive.set(DNNL_ARG_SRC, args.input.data);
    primitive.set(DNNL_ARG_DST, args.output.data);
    if (bias) primitive.set(DNNL_ARG_BIAS, args.bias.data);
    if (residual && primitive.residual == Residual::Fused)
        primitive.set(primitive.residualArgument, args.residual.data);
    if (residual && primitive.residual == Residual::Accumulated)
        copyBytes(context, args.output.data, args.residual.data,
                  static_cast<size_t>(rows * weight.outputs) * sizeBytes(args.output.dtype));
    primitive.run(context);
    finish(context, primitive, args);
}

// The gate as an op of its own, where no kernel has it.
void linearThenGate(Context& context, const LinearArgs& args) {
    const int64_t rows = args.input.dims[0], outputs = args.weight->outputs;
    const Scratch wide(context, static_cast<size_t>(rows * outputs) * sizeBytes(args.output.dtype));
    LinearArgs all = args;
    all.output = {wide.as<void>(), args.output.dtype, 2, {rows, outputs}};
    all.activation = Activation::None;
    all.gated = 0;
    linearRows(context, all);
    if (context.planning()) return;
    const GluArgs gate{all.output, args.output, args.activation};
    require(context, glu(&context, &gate));
}

TensorRef rowRange(const TensorRef& all, int64_t begin, int64_t end) {
    if (!all.data) return all;
    TensorRef part = all;
    part.dims[0] = end - begin;
    part.data = static_cast<char*>(all.data) +
                static_cast<size_t>(begin * all.dims[1]) * sizeBytes(all.dtype);
    return part;
}

std::unique_ptr<CachedPrimitive> buildMatmul(const Context& context, const MatmulArgs& args) {
    const DnnlState& state = *context.dnnl;
    const auto type = dnnlType(args.a.dtype);
    const auto extents = [](const TensorRef& tensor) {
        return dnnl::memory::dims{tensor.dims[0], tensor.dims[1], tensor.dims[2]};
    };
    const Layout a(extents(args.a), type, Tag::abc);
    const Layout c(extents(args.output), type, Tag::abc);
    const Layout b({args.a.dims[0], args.a.dims[2], args.output.dims[2]}, type,
                   args.transposeB ? Tag::acb : Tag::abc);
    dnnl::primitive_attr attributes = baseAttributes();
    dnnl::post_ops operations;
    if (args.scale != 1.0f)
        operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_linear, args.scale, 0.0f);
    attributes.set_post_ops(operations);
    const dnnl::matmul::primitive_desc description({a, b, c}, attributes, state.engine);
    auto built = makePrimitive(context, description);
    built->declare(DNNL_ARG_SRC, a, state.engine);
    built->declare(DNNL_ARG_WEIGHTS, b, state.engine);
    built->declare(DNNL_ARG_DST, c, state.engine);
    return built;
}

} // namespace

Layout preferredMatrixLayout(DnnlState& state, const PackedWeight& weight) {
    constexpr int64_t kOrdinaryRows = 256;
    return describeLinear(
               {kOrdinaryRows, weight.inputs, weight.outputs, dnnlType(weight.dtype), true}, {},
               state.engine)
        .weights_desc();
}

void linearRows(Context& context, const LinearArgs& args) {
    const int64_t rows = args.input.dims[0];
    if (rows == 0) return;
    const bool tiled = args.weight->form == WeightForm::Tiles;
    if (args.gated && !(tiled && gatesByTiles(args.weight->outputs)))
        return linearThenGate(context, args);
    const double work = 2.0 * static_cast<double>(rows) *
                        static_cast<double>(args.weight->inputs * args.weight->outputs);
    const int64_t parts = std::min(partsOf(work), rows);
    for (int64_t part = 0; part < parts; ++part) {
        checkCancelled(context);
        const int64_t begin = rows * part / parts;
        const int64_t end = rows * (part + 1) / parts;
        LinearArgs some = args;
        some.input = rowRange(args.input, begin, end);
        some.residual = rowRange(args.residual, begin, end);
        some.output = rowRange(args.output, begin, end);
        if (tiled)
            linearByTiles(context, some);
        else
            linearPart(context, some);
    }
}

Status linear(Context* context, const LinearArgs* args) {
    return guardedDnnl(context, [&] { linearRows(*context, *args); });
}

Status matmul(Context* context, const MatmulArgs* args) {
    return guardedDnnl(context, [&] {
        if (args->output.dims[0] * args->output.dims[1] * args->output.dims[2] == 0) return;
        DnnlState& state = dnnlState(*context);
        const PrimitiveKey key{{static_cast<int64_t>(PrimitiveKind::Matmul),
                                static_cast<int64_t>(args->a.dtype), args->a.dims[0],
                                args->a.dims[1], args->a.dims[2], args->output.dims[2],
                                args->transposeB, std::bit_cast<int32_t>(args->scale)}};
        CachedPrimitive& primitive = state.find(key, [&] { return buildMatmul(*context, *args); });
        if (context->planning()) return primitive.run(*context);
        primitive.set(DNNL_ARG_SRC, args->a.data);
        primitive.set(DNNL_ARG_WEIGHTS, args->b.data);
        primitive.set(DNNL_ARG_DST, args->output.data);
        primitive.run(*context);
    });
}

} // namespace kinora::kernels::cpu
