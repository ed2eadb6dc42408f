#pragma once
// A device that is open: its back end, its memory, and the log of work done on it.
//
//     auto device = backends.open("cpu", {.threads = 2});
//     Tensor x = device->empty({1, 8, 8, 4}, DType::F32);
//
// Tensors and weights must not outlive their device. One thread at a time drives a device; another
// may cancel it through the token.

#include "kernels/backend/backend_table.h"
#include "kernels/base/cancel_token.h"
#include "kernels/tensor/arena.h"
#include "kernels/tensor/tensor.h"

#include <memory>
#include <string>
#include <vector>

namespace kinora::kernels {

struct DeviceOptions {
    int ordinal = 0;
    int threads = 0;             // 0: one per core
    size_t memoryLimitBytes = 0; // 0: none
};

// What kind of arithmetic an op is: each has its own speed on a device. A 1x1 convolution is a
// matrix product.
enum class WorkClass { Convolution, WinogradConvolution, Matmul, Attention, Memory };
inline constexpr int kWorkClasses = 5;

// One op as it was asked for. floatOperations is by the op's definition, a multiply-add counts as
// two; trafficBytes is each input read once (by groupNorm twice: sums come first) and each output
// written once.
struct WorkRecord {
    WorkClass workClass;
    double floatOperations;
    double trafficBytes;
    double seconds = 0; // that it took; 0 on a device without numbers
};

class Device {
  public:
    // Throws Error{Internal} when the back end cannot open it.
    Device(const BackendTable& table, const DeviceOptions& options);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    // Uninitialised. Throws Error{OutOfMemory}.
    Tensor empty(const Shape& shape, DType dtype);
    // From host memory of the same dtype and as many elements.
    Tensor fromHost(const void* values, const Shape& shape, DType dtype);
    // To host memory of tensor.sizeBytes(). Waits for the device.
    void toHost(const Tensor& tensor, void* values);
    template <typename T> std::vector<T> toHost(const Tensor& tensor) {
        std::vector<T> values(static_cast<size_t>(tensor.elements()));
        toHost(tensor, values.data());
        return values;
    }

    // False on the meta back end, whose tensors have shapes and no numbers.
    bool hasNumbers() const { return m_hasNumbers; }
    bool supports(DType compute) const;
    const BackendTable& table() const { return m_table; }
    Context* context() const { return m_context; }
    Arena& arena() { return *m_arena; }
    int threads() const { return m_options.threads; }

    void setCancelToken(CancelToken token) { m_cancelToken = std::move(token); }
    const CancelToken& cancelToken() const { return m_cancelToken; }

    // Turns a Status into Error or Cancelled.
    void check(Status status, const char* operation) const;

    // Work since startRecording(); ops add to it while recording is on.
    void startRecording();
    std::vector<WorkRecord> stopRecording();
    bool recording() const { return m_recording; }
    void record(const WorkRecord& work) {
        if (m_recording) m_work.push_back(work);
    }

    // Bytes in the packed weights that there are now.
    size_t weightBytes() const { return m_weightBytes; }
    void addWeightBytes(int64_t difference) { m_weightBytes += static_cast<size_t>(difference); }

  private:
    const BackendTable& m_table;
    DeviceOptions m_options;
    Context* m_context = nullptr;
    std::unique_ptr<Arena> m_arena;
    CancelToken m_cancelToken;
    bool m_hasNumbers = true;
    bool m_recording = false;
    std::vector<WorkRecord> m_work;
    size_t m_weightBytes = 0;
};

} // namespace kinora::kernels
