#include "kernels/backend/device.h"

#include "kernels/base/error.h"

#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

namespace kinora::kernels {

namespace {

void* allocateScratch(void* host, size_t sizeBytes) {
    try {
        return static_cast<Device*>(host)->arena().allocate(sizeBytes);
    } catch (...) {
        return nullptr; // no exception may cross the border of a back end
    }
}

void releaseScratch(void* host, void* memory) {
    static_cast<Device*>(host)->arena().release(memory);
}

int32_t isCancelled(void* host) {
    return static_cast<Device*>(host)->cancelToken().cancelled();
}

} // namespace

Device::Device(const BackendTable& table, const DeviceOptions& options)
    : m_table(table), m_options(options), m_hasNumbers(std::string_view(table.name) != "meta") {
    if (m_options.threads <= 0)
        m_options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    const OpenArgs args{
        {this, allocateScratch, releaseScratch, isCancelled}, m_options.ordinal, m_options.threads};
    const Status opened = m_table.open(&args, &m_context);
    if (opened == Status::OutOfMemory)
        throw Error(ErrorCode::OutOfMemory, "Memory ran out before the computation began.",
                    "Close other programs.");
    if (opened != Status::Ok)
        throw Error(ErrorCode::Internal, "Could not open device " +
                                             std::to_string(options.ordinal) + " of back end '" +
                                             table.name + "'.");
    m_arena = std::make_unique<Arena>(
        MemorySource{
            [this](size_t size) { return m_table.allocate(m_context, size); },
            [this](void* memory, size_t size) { m_table.release(m_context, memory, size); }},
        m_options.memoryLimitBytes);
}

Device::~Device() {
    m_arena.reset();
    m_table.close(m_context);
}

Tensor Device::empty(const Shape& shape, DType dtype) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(shape.elements()), kernels::sizeBytes(dtype),
                               &bytes))
        throw Error(ErrorCode::OutOfMemory,
                    "A tensor of shape " + toString(shape) + " exceeds any memory.",
                    "Use a smaller size or batch.");
    std::shared_ptr<void> storage(m_arena->allocate(bytes), [arena = m_arena.get()](void* memory) {
        arena->release(memory);
    });
    return Tensor(*this, std::move(storage), shape, dtype);
}

Tensor Device::fromHost(const void* values, const Shape& shape, DType dtype) {
    Tensor tensor = empty(shape, dtype);
    check(m_table.copyToDevice(m_context, tensor.data(), values, tensor.sizeBytes()), "copy in");
    return tensor;
}

void Device::toHost(const Tensor& tensor, void* values) {
    check(m_table.copyToHost(m_context, values, tensor.data(), tensor.sizeBytes()), "copy out");
}

bool Device::supports(DType compute) const {
    return m_table.supports(m_options.ordinal, compute) == Status::Ok;
}

void Device::check(Status status, const char* operation) const {
    const auto text = [&] {
        const char* detail = m_table.lastError(m_context);
        return std::string(operation) + " on " + m_table.name + ": " +
               (detail && *detail ? detail : "failed");
    };
    switch (status) {
    case Status::Ok: return;
    case Status::Cancelled: throw Cancelled{};
    case Status::OutOfMemory:
        throw Error(ErrorCode::OutOfMemory, "Out of memory in " + text() + ".",
                    "Use a smaller size or batch, or close other programs.");
    case Status::Unsupported: throw Error(ErrorCode::Unsupported, text());
    case Status::InvalidArgument:
    case Status::Failed: throw Error(ErrorCode::Internal, text());
    }
}

void Device::startRecording() {
    m_recording = true;
    m_work.clear();
}

std::vector<WorkRecord> Device::stopRecording() {
    m_recording = false;
    return std::exchange(m_work, {});
}

} // namespace kinora::kernels
