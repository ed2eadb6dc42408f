#include "kernels/meta/meta_backend.h"

#include "kernels/backend/unread_addresses.h"

#include <cstdio>
#include <cstring>
#include <new>

namespace kinora::kernels {

namespace {

// What Context* and PackedWeight* point to here; types of our own, because every back end of a
// program would otherwise define the same two names.
struct MetaDevice {
    UnreadAddresses addresses;
};

struct MetaWeight {
    size_t sizeBytes;
};

int32_t deviceCount() {
    return 1;
}

Status describe(int32_t, DeviceDescription* out) {
    *out = {};
    std::snprintf(out->name, sizeof out->name, "shapes without numbers");
    return Status::Ok;
}

Status open(const OpenArgs*, Context** out) {
    *out = reinterpret_cast<Context*>(new (std::nothrow) MetaDevice);
    return *out ? Status::Ok : Status::OutOfMemory;
}

void close(Context* context) {
    delete reinterpret_cast<MetaDevice*>(context);
}

const char* lastError(Context*) {
    return "";
}

Status supports(int32_t, DType) {
    return Status::Ok;
}

void* allocate(Context* context, size_t sizeBytes) {
    return reinterpret_cast<MetaDevice*>(context)->addresses.take(sizeBytes);
}

void release(Context*, void*, size_t) {}

Status copyToDevice(Context*, void*, const void*, size_t) {
    return Status::Ok;
}

Status copyToHost(Context*, void* to, const void*, size_t sizeBytes) {
    if (sizeBytes) std::memset(to, 0, sizeBytes);
    return Status::Ok;
}

Status synchronize(Context*) {
    return Status::Ok;
}

Status packWeight(Context*, const PackArgs* args, PackedWeight** out) {
    size_t bytes = sizeBytes(args->plain.dtype);
    for (int axis = 0; axis < args->plain.rank; ++axis)
        bytes *= static_cast<size_t>(args->plain.dims[axis]);
    *out = reinterpret_cast<PackedWeight*>(new (std::nothrow) MetaWeight{bytes});
    return *out ? Status::Ok : Status::OutOfMemory;
}

size_t packedSizeBytes(const PackedWeight* weight) {
    return reinterpret_cast<const MetaWeight*>(weight)->sizeBytes;
}

void releaseWeight(Context*, PackedWeight* weight) {
    delete reinterpret_cast<MetaWeight*>(weight);
}

int32_t isForWinograd(const PackedWeight*) {
    return 0;
}

// An op that was checked by the ops layer has nothing left to do here.
template <typename Args> Status nothing(Context*, const Args*) {
    return Status::Ok;
}

Status allFinite(Context*, const FiniteArgs* args) {
    *args->allFinite = 1;
    return Status::Ok;
}

constexpr BackendTable kTable = {
    .version = kBackendVersion,
    .sizeBytes = sizeof(BackendTable),
    .name = "meta",
    .deviceCount = deviceCount,
    .describe = describe,
    .open = open,
    .close = close,
    .lastError = lastError,
    .supports = supports,
    .allocate = allocate,
    .release = release,
    .copyToDevice = copyToDevice,
    .copyToHost = copyToHost,
    .synchronize = synchronize,
    .packWeight = packWeight,
    .packedSizeBytes = packedSizeBytes,
    .releaseWeight = releaseWeight,
    .isForWinograd = isForWinograd,
    .conv2d = nothing<Conv2dArgs>,
    .linear = nothing<LinearArgs>,
    .matmul = nothing<MatmulArgs>,
    .attention = nothing<AttentionArgs>,
    .groupNorm = nothing<NormArgs>,
    .layerNorm = nothing<NormArgs>,
    .rmsNorm = nothing<NormArgs>,
    .activate = nothing<ActivationArgs>,
    .glu = nothing<GluArgs>,
    .binary = nothing<BinaryArgs>,
    .linearCombination = nothing<LinearCombinationArgs>,
    .clamp = nothing<ClampArgs>,
    .softmax = nothing<SoftmaxArgs>,
    .resizeNearest = nothing<ResizeNearestArgs>,
    .averagePool = nothing<AveragePoolArgs>,
    .concat = nothing<ConcatArgs>,
    .embedding = nothing<EmbeddingArgs>,
    .timestepEmbedding = nothing<TimestepEmbeddingArgs>,
    .copy = nothing<CopyArgs>,
    .permute = nothing<PermuteArgs>,
    .allFinite = allFinite,
    .standardDeviation = nothing<StandardDeviationArgs>,
};

} // namespace

const BackendTable& metaBackend() {
    return kTable;
}

} // namespace kinora::kernels
