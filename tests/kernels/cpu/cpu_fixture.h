#pragma once
// What the tests of the CPU's ops share: an open device, tensors of repeatable random values, and
// the measure of accuracy, max|a-b| / max|b|.

#include "kernels/backend/device.h"
#include "kernels/backend/tensor_ref.h"
#include "kernels/backend/weight.h"
#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace kinora::kernels::test {

struct CpuFixture {
    explicit CpuFixture(int threads = 2) : device(cpuBackend(), {.threads = threads}) {}

    const BackendTable& table() const { return device.table(); }
    Context* context() const { return device.context(); }

    Device device;
};

// Uniform in [-1, 1), the same in every run.
inline std::vector<float> randomValues(int64_t count, uint64_t seed) {
    std::vector<float> values(static_cast<size_t>(count));
    uint64_t state = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
    for (float& value : values) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        value = static_cast<float>(static_cast<int64_t>(state >> 40)) / 8388608.0f - 1.0f;
    }
    return values;
}

// A tensor with these values, rounded to dtype; `values` become what was kept.
inline Tensor makeTensor(Device& device, const Shape& shape, DType dtype,
                         std::vector<float>& values) {
    if (dtype == DType::F32) return device.fromHost(values.data(), shape, dtype);
    std::vector<uint16_t> rounded(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
        rounded[i] = floatToBf16(values[i]);
        values[i] = bf16ToFloat(rounded[i]);
    }
    return device.fromHost(rounded.data(), shape, dtype);
}

// What follows a product: names the operands' bias and residual in args, where there are any. The
// tensors must outlive the call.
struct AddedOperands {
    Tensor bias, residual;

    template <typename Args, typename Operands>
    AddedOperands(Device& device, Operands& operands, const Shape& output, DType dtype,
                  Args& args) {
        if (!operands.bias.empty()) {
            bias = makeTensor(device, {output[output.rank() - 1]}, DType::F32, operands.bias);
            args.bias = ref(bias);
        }
        if (!operands.residual.empty()) {
            residual = makeTensor(device, output, dtype, operands.residual);
            args.residual = ref(residual);
        }
    }
};

inline std::vector<float> valuesOf(Device& device, const Tensor& tensor) {
    if (tensor.dtype() == DType::F32) return device.toHost<float>(tensor);
    const auto bits = device.toHost<uint16_t>(tensor);
    std::vector<float> values(bits.size());
    std::ranges::transform(bits, values.begin(), bf16ToFloat);
    return values;
}

inline double relativeError(const std::vector<float>& got, const std::vector<double>& wanted) {
    double difference = 0;
    double largest = 1e-30;
    if (got.size() != wanted.size()) return INFINITY;
    for (size_t i = 0; i < got.size(); ++i) {
        if (!std::isfinite(got[i])) return INFINITY;
        difference = std::max(difference, std::abs(static_cast<double>(got[i]) - wanted[i]));
        largest = std::max(largest, std::abs(wanted[i]));
    }
    return difference / largest;
}

inline bool sameBytes(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

inline double tolerance(DType dtype) {
    return dtype == DType::F32 ? 1e-5 : 1e-2;
}

// The dtypes that this machine computes in.
inline std::vector<DType> computeTypes() {
    if (cpuBackend().supports(0, DType::BF16) == Status::Ok) return {DType::F32, DType::BF16};
    return {DType::F32};
}

} // namespace kinora::kernels::test
