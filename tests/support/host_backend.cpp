#include "tests/support/host_backend.h"

#include "kernels/tensor/arena.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace kinora::test {

using namespace kinora::kernels;

namespace {

size_t elements(const TensorRef& tensor) {
    size_t count = 1;
    for (int axis = 0; axis < tensor.rank; ++axis) count *= static_cast<size_t>(tensor.dims[axis]);
    return count;
}

int32_t deviceCount() {
    return 1;
}

Status describe(int32_t, DeviceDescription* out) {
    *out = {};
    std::snprintf(out->name, sizeof out->name, "host memory");
    return Status::Ok;
}

Status open(const OpenArgs*, Context** out) {
    static char state; // the table needs an address and this back end has no state
    *out = reinterpret_cast<Context*>(&state);
    return Status::Ok;
}

void close(Context*) {}

const char* lastError(Context*) {
    return "not an op of the test back end";
}

Status supports(int32_t, DType dtype) {
    return dtype == DType::F32 ? Status::Ok : Status::Unsupported;
}

void* allocate(Context*, size_t sizeBytes) {
    const size_t rounded = (sizeBytes + Arena::kAlignment - 1) / Arena::kAlignment;
    return std::aligned_alloc(Arena::kAlignment, std::max<size_t>(rounded, 1) * Arena::kAlignment);
}

void release(Context*, void* memory, size_t) {
    std::free(memory);
}

Status copy(Context*, void* to, const void* from, size_t sizeBytes) {
    std::memcpy(to, from, sizeBytes);
    return Status::Ok;
}

Status synchronize(Context*) {
    return Status::Ok;
}

Status linearCombination(Context*, const LinearCombinationArgs* args) {
    for (size_t i = 0; i < elements(args->output); ++i) {
        double sum = 0;
        for (int32_t t = 0; t < args->count; ++t)
            sum += args->coefficients[t] * static_cast<const float*>(args->terms[t].data)[i];
        static_cast<float*>(args->output.data)[i] = static_cast<float>(sum);
    }
    return Status::Ok;
}

Status clamp(Context*, const ClampArgs* args) {
    for (size_t i = 0; i < elements(args->output); ++i)
        static_cast<float*>(args->output.data)[i] =
            std::clamp(static_cast<const float*>(args->input.data)[i], args->low, args->high);
    return Status::Ok;
}

Status packWeight(Context*, const PackArgs*, PackedWeight**) {
    return Status::Unsupported;
}

size_t packedSizeBytes(const PackedWeight*) {
    return 0;
}

void releaseWeight(Context*, PackedWeight*) {}

int32_t isForWinograd(const PackedWeight*) {
    return 0;
}

template <typename Args> Status unsupported(Context*, const Args*) {
    return Status::Unsupported;
}

constexpr BackendTable kTable = {
    .version = kBackendVersion,
    .sizeBytes = sizeof(BackendTable),
    .name = "host",
    .deviceCount = deviceCount,
    .describe = describe,
    .open = open,
    .close = close,
    .lastError = lastError,
    .supports = supports,
    .allocate = allocate,
    .release = release,
    .copyToDevice = copy,
    .copyToHost = copy,
    .synchronize = synchronize,
    .packWeight = packWeight,
    .packedSizeBytes = packedSizeBytes,
    .releaseWeight = releaseWeight,
    .isForWinograd = isForWinograd,
    .conv2d = unsupported<Conv2dArgs>,
    .linear = unsupported<LinearArgs>,
    .matmul = unsupported<MatmulArgs>,
    .attention = unsupported<AttentionArgs>,
    .groupNorm = unsupported<NormArgs>,
    .layerNorm = unsupported<NormArgs>,
    .rmsNorm = unsupported<NormArgs>,
    .activate = unsupported<ActivationArgs>,
    .glu = unsupported<GluArgs>,
    .binary = unsupported<BinaryArgs>,
    .linearCombination = linearCombination,
    .clamp = clamp,
    .softmax = unsupported<SoftmaxArgs>,
    .resizeNearest = unsupported<ResizeNearestArgs>,
    .averagePool = unsupported<AveragePoolArgs>,
    .concat = unsupported<ConcatArgs>,
    .embedding = unsupported<EmbeddingArgs>,
    .timestepEmbedding = unsupported<TimestepEmbeddingArgs>,
    .copy = unsupported<CopyArgs>,
    .permute = unsupported<PermuteArgs>,
    .allFinite = unsupported<FiniteArgs>,
    .standardDeviation = unsupported<StandardDeviationArgs>,
};

} // namespace

const BackendTable& hostBackend() {
    return kTable;
}

} // namespace kinora::test
