#include "kernels/cpu/cpu_backend.h"

#include "kernels/cpu/cpu_info.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/dnnl_state.h"
#include "kernels/cpu/host_memory.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace kinora::kernels {

namespace {

void copyText(std::string_view text, char* to, size_t size) {
    const size_t length = std::min(text.size(), size - 1);
    std::memcpy(to, text.data(), length);
    to[length] = '\0';
}

int32_t deviceCount() {
    return 1;
}

Status describe(int32_t ordinal, DeviceDescription* out) {
    if (ordinal != 0) return Status::InvalidArgument;
    try {
        *out = {};
        copyText(cpu::processorName(), out->name, sizeof(out->name));
        copyText(cpu::processorFeatures(), out->features, sizeof(out->features));
        const cpu::MemoryInfo memory = cpu::memoryInfo();
        out->memoryBytes = memory.totalBytes;
        out->freeMemoryBytes = memory.availableBytes;
        out->cores = cpu::usableCores();
        out->fastBf16 = cpu::hasFastBf16();
        out->hostVisible = 1;
        return Status::Ok;
    } catch (const std::exception&) {
        return Status::Failed;
    }
}

Status openAs(const OpenArgs* args, Context** out, bool planning) {
    if (args->ordinal != 0 || args->threads < 1) return Status::InvalidArgument;
    try {
        auto context = std::make_unique<Context>();
        context->host = args->host;
        context->threads = args->threads;
        context->dnnl = std::make_shared<cpu::DnnlState>();
        if (planning) context->planned.emplace();
        *out = context.release();
        return Status::Ok;
    } catch (const std::bad_alloc&) {
        return Status::OutOfMemory;
    } catch (const std::exception&) {
        return Status::Failed;
    }
}

Status open(const OpenArgs* args, Context** out) {
    return openAs(args, out, false);
}

Status openForPlan(const OpenArgs* args, Context** out) {
    return openAs(args, out, true);
}

void* allocateForPlan(Context* context, size_t sizeBytes) {
    return context->planned->take(sizeBytes);
}

void close(Context* context) {
    const std::unique_ptr<Context> owned(context); // the border carries plain pointers
}

const char* lastError(Context* context) {
    return context->lastError.c_str();
}

Status supports(int32_t ordinal, DType compute) {
    if (ordinal != 0) return Status::InvalidArgument;
    const bool runs = compute == DType::F32 || (compute == DType::BF16 && cpu::canRunBf16());
    return runs ? Status::Ok : Status::Unsupported;
}

void* allocate(Context*, size_t sizeBytes) {
    return cpu::allocateHost(sizeBytes);
}

void release(Context*, void* memory, size_t sizeBytes) {
    cpu::releaseHost(memory, sizeBytes);
}

Status copyBytes(Context* context, void* to, const void* from, size_t sizeBytes) {
    cpu::copyBytes(*context, to, from, sizeBytes);
    return Status::Ok;
}

Status synchronize(Context*) {
    return Status::Ok; // every op has finished when it returns
}

} // namespace

const BackendTable& cpuBackend() {
    static const BackendTable table{
        .version = kBackendVersion,
        .sizeBytes = sizeof(BackendTable),
        .name = "cpu",
        .deviceCount = deviceCount,
        .describe = describe,
        .open = open,
        .close = close,
        .lastError = lastError,
        .supports = supports,
        .allocate = allocate,
        .release = release,
        .copyToDevice = copyBytes,
        .copyToHost = copyBytes,
        .synchronize = synchronize,
        .packWeight = cpu::packWeight,
        .packedSizeBytes = cpu::packedSizeBytes,
        .releaseWeight = cpu::releaseWeight,
        .isForWinograd = cpu::isForWinograd,
        .conv2d = cpu::conv2d,
        .linear = cpu::linear,
        .matmul = cpu::matmul,
        .attention = cpu::attention,
        .groupNorm = cpu::groupNorm,
        .layerNorm = cpu::layerNorm,
        .rmsNorm = cpu::rmsNorm,
        .activate = cpu::activate,
        .glu = cpu::glu,
        .binary = cpu::binary,
        .linearCombination = cpu::linearCombination,
        .clamp = cpu::clamp,
        .softmax = cpu::softmax,
        .resizeNearest = cpu::resizeNearest,
        .averagePool = cpu::averagePool,
        .concat = cpu::concat,
        .embedding = cpu::embedding,
        .timestepEmbedding = cpu::timestepEmbedding,
        .copy = cpu::copy,
        .permute = cpu::permute,
        .allFinite = cpu::allFinite,
        .standardDeviation = cpu::standardDeviation,
    };
    return table;
}

BackendTable cpuPlanBackend(const BackendTable& shapes) {
    const BackendTable& cpu = cpuBackend();
    BackendTable table = shapes;
    table.open = openForPlan;
    table.close = cpu.close;
    table.lastError = cpu.lastError;
    table.supports = cpu.supports;
    table.allocate = allocateForPlan;
    table.packWeight = cpu.packWeight;
    table.packedSizeBytes = cpu.packedSizeBytes;
    table.releaseWeight = cpu.releaseWeight;
    table.isForWinograd = cpu.isForWinograd;
    table.conv2d = cpu.conv2d;
    table.linear = cpu.linear;
    table.matmul = cpu.matmul;
    table.attention = cpu.attention;
    return table;
}

} // namespace kinora::kernels
