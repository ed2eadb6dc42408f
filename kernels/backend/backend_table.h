#pragma once
// The function table that every back end fills: the only thing a back end and the ops share.
//
// Plain C types alone cross this border, because a back end may be a plugin built by another
// compiler (CUDA): no exception, no C++ object, no static. Every op gets tensors that the ops layer
// has already checked: shapes agree, outputs are allocated, dtypes are F32, BF16 or F16 unless
// stated. A failing op returns a Status and leaves a sentence for lastError().
//
// One thread at a time drives a context. Outputs never overlap inputs unless an op says so.

#include "kernels/tensor/dtype.h"
#include "kernels/tensor/shape.h"

#include <cstddef>
#include <cstdint>

namespace kinora::kernels {

// Raised with every change of the table or of an argument struct.
inline constexpr uint32_t kBackendVersion = 4;

enum class Status : int32_t { Ok, InvalidArgument, Unsupported, OutOfMemory, Cancelled, Failed };

// A contiguous tensor. data is null for an optional tensor that is absent.
struct TensorRef {
    void* data;
    DType dtype;
    int32_t rank;
    int64_t dims[kMaxRank];
};

enum class Activation : int32_t {
    None,
    Silu,
    Gelu,
    GeluTanh,
    QuickGelu,
    Relu,
    Sigmoid,
    Tanh,
    Mish
};
enum class BinaryOp : int32_t { Add, Subtract, Multiply, Divide, LeakyRelu };
enum class WeightKind : int32_t { Linear, Conv2d };

struct PackedWeight; // a weight in the layout that the back end's kernels want; opaque
struct Context;      // the state of one device; opaque

struct HostServices {
    void* host;
    void* (*allocate)(void* host, size_t sizeBytes); // scratch from the arena; null when out of it
    void (*release)(void* host, void* memory);
    int32_t (*cancelled)(void* host); // looked at between blocks of long ops
};

struct OpenArgs {
    HostServices host;
    int32_t ordinal; // which device of this back end
    int32_t threads; // CPU threads, at least 1
};

struct DeviceDescription {
    char name[128];           // "Intel Xeon Platinum 8370C"
    char features[256];       // "AVX512 VNNI BF16 AMX"
    uint64_t memoryBytes;     // in all
    uint64_t freeMemoryBytes; // that this process could take now
    int32_t cores;
    int32_t fastBf16;    // bf16 arithmetic in hardware
    int32_t hostVisible; // tensors can be read through their address
};

struct PackArgs {
    WeightKind kind;
    TensorRef plain; // Linear [out, in], Conv2d [out, in, height, width]; in the compute dtype
    int32_t stride;  // Conv2d: the stride it will be used with
};

struct Conv2dArgs {
    TensorRef input; // [N, H, W, I]
    const PackedWeight* weight;
    TensorRef bias;     // [O] f32, optional
    TensorRef residual; // shaped as output, added to it, optional
    TensorRef output;   // [N, Ho, Wo, O]
    int32_t kernelHeight, kernelWidth;
    int32_t strideHeight, strideWidth;
    int32_t padTop, padLeft, padBottom, padRight;
    int32_t dilationHeight, dilationWidth; // 1: dense
};

struct LinearArgs {
    TensorRef input; // [rows, I]
    const PackedWeight* weight;
    TensorRef bias;     // [O] f32, optional
    TensorRef residual; // [rows, O], added last, optional
    TensorRef output;   // [rows, O], or [rows, O / 2] where gated
    Activation activation;
    // The first half of the sums times the activated second half, as GluArgs; without a residual.
    int32_t gated;
};

struct MatmulArgs {   // output[b] = scale * a[b] x b[b]
    TensorRef a;      // [B, M, K]
    TensorRef b;      // [B, K, N], or [B, N, K] where transposeB
    TensorRef output; // [B, M, N]
    int32_t transposeB;
    float scale;
};

struct AttentionArgs {
    TensorRef query;  // [N, Lq, heads * d]
    TensorRef key;    // [N, Lk, heads * d]
    TensorRef value;  // [N, Lk, heads * d]
    TensorRef mask;   // f32 [1 or N, 1 or Lq, Lk], added to the scores; optional
    TensorRef output; // [N, Lq, heads * d]
    int32_t heads;
    float scale;    // usually 1 / sqrt(d)
    int32_t causal; // a query sees keys up to its own index
};

struct NormArgs { // group norm: groups > 0 over [N, ..., C]; layer and RMS norm: groups 0, last
                  // axis
    TensorRef input;
    TensorRef scale; // [C] f32, optional
    TensorRef shift; // [C] f32, optional
    TensorRef output;
    int32_t groups;
    float epsilon;
    Activation activation; // applied to the result
};

struct ActivationArgs {
    TensorRef input;
    TensorRef output; // may be the input
    Activation activation;
};

struct GluArgs {      // output = x[..., :C] * activation(x[..., C:])
    TensorRef input;  // [..., 2C]
    TensorRef output; // [..., C]
    Activation activation;
};

struct BinaryArgs {         // numpy broadcasting; ranks are equal, an extent of 1 repeats
    TensorRef a, b, output; // output may be a
    BinaryOp op;
};

inline constexpr int kMaxTerms = 8;
struct LinearCombinationArgs { // output = sum of coefficient[i] * terms[i]; all of one shape, F32
    const TensorRef* terms;
    const double* coefficients;
    int32_t count;    // 1 to kMaxTerms
    TensorRef output; // may be any term
};

struct ClampArgs {
    TensorRef input, output; // may be the same
    float low, high;
};

struct SoftmaxArgs {         // over the last axis
    TensorRef input, output; // may be the same
    float scale;             // applied before
};

struct ResizeNearestArgs { // input[floor(y * (H / Ho))] in f32, as PyTorch's "nearest"
    TensorRef input;       // [N, H, W, C]
    TensorRef output;      // [N, Ho, Wo, C]
};

struct AveragePoolArgs { // 2x2, stride 2
    TensorRef input, output;
};

struct ConcatArgs { // along the last axis
    const TensorRef* parts;
    int32_t count;
    TensorRef output;
};

struct EmbeddingArgs { // output[i] = table[indices[i]]
    TensorRef table;   // [V, C]
    TensorRef indices; // [n] i32, each in [0, V)
    TensorRef output;  // [n, C]
};

struct TimestepEmbeddingArgs { // Vaswani et al. 2017 as in DDPM: [cos, sin] or [sin, cos]
    TensorRef timesteps;       // [n] f32
    TensorRef output;          // [n, C] f32
    int32_t flipSinToCos;
    float frequencyShift;
    float maxPeriod;
};

struct CopyArgs { // converts on the way: any dtype to F32, BF16 or F16, or to itself
    TensorRef input, output;
};

struct PermuteArgs { // output axis i is input axis order[i]
    TensorRef input, output;
    int32_t order[kMaxRank];
};

struct FiniteArgs {
    TensorRef input;
    int32_t* allFinite; // host memory
};

struct StandardDeviationArgs { // over all axes but the first, divided by n - 1 as torch.std
    TensorRef input;           // [N, ...] f32
    TensorRef output;          // [N] f32
};

struct BackendTable {
    uint32_t version;   // kBackendVersion
    uint32_t sizeBytes; // sizeof(BackendTable)
    const char* name;   // "cpu", "meta", "cuda"

    // Devices.
    int32_t (*deviceCount)();
    Status (*describe)(int32_t ordinal, DeviceDescription* out);
    Status (*open)(const OpenArgs*, Context** out);
    void (*close)(Context*);
    const char* (*lastError)(Context*);
    Status (*supports)(int32_t ordinal, DType compute); // Ok or Unsupported

    // Memory.
    void* (*allocate)(Context*, size_t sizeBytes);
    void (*release)(Context*, void* memory, size_t sizeBytes);
    Status (*copyToDevice)(Context*, void* to, const void* from, size_t sizeBytes);
    Status (*copyToHost)(Context*, void* to, const void* from, size_t sizeBytes);
    Status (*synchronize)(Context*);

    // Weights. packWeight reads args.plain and keeps no reference to it.
    Status (*packWeight)(Context*, const PackArgs*, PackedWeight** out);
    size_t (*packedSizeBytes)(const PackedWeight*);
    void (*releaseWeight)(Context*, PackedWeight*);
    // Whether convolutions by it are Winograd's, which have a speed of their own.
    int32_t (*isForWinograd)(const PackedWeight*);

    // Ops.
    Status (*conv2d)(Context*, const Conv2dArgs*);
    Status (*linear)(Context*, const LinearArgs*);
    Status (*matmul)(Context*, const MatmulArgs*);
    Status (*attention)(Context*, const AttentionArgs*);
    Status (*groupNorm)(Context*, const NormArgs*);
    Status (*layerNorm)(Context*, const NormArgs*);
    Status (*rmsNorm)(Context*, const NormArgs*);
    Status (*activate)(Context*, const ActivationArgs*);
    Status (*glu)(Context*, const GluArgs*);
    Status (*binary)(Context*, const BinaryArgs*);
    Status (*linearCombination)(Context*, const LinearCombinationArgs*);
    Status (*clamp)(Context*, const ClampArgs*);
    Status (*softmax)(Context*, const SoftmaxArgs*);
    Status (*resizeNearest)(Context*, const ResizeNearestArgs*);
    Status (*averagePool)(Context*, const AveragePoolArgs*);
    Status (*concat)(Context*, const ConcatArgs*);
    Status (*embedding)(Context*, const EmbeddingArgs*);
    Status (*timestepEmbedding)(Context*, const TimestepEmbeddingArgs*);
    Status (*copy)(Context*, const CopyArgs*);
    Status (*permute)(Context*, const PermuteArgs*);
    Status (*allFinite)(Context*, const FiniteArgs*);
    Status (*standardDeviation)(Context*, const StandardDeviationArgs*);
};

} // namespace kinora::kernels
