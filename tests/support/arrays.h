#pragma once
// Arrays of doubles for tests: what reference implementations compute with, and the way to a
// device's tensor and back.
//
//     Array x = randomArray({2, 7, 5}, 1);
//     Tensor tensor = toTensor(device, x, DType::BF16);   // rounds x as well
//     CHECK(relativeError(toArray(tensor), x) == 0);

#include "kernels/backend/device.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace kinora::test {

struct Array {
    kernels::Shape shape;
    std::vector<double> values;

    explicit Array(const kernels::Shape& extents = {})
        : shape(extents), values(static_cast<size_t>(extents.elements())) {}
    Array(const kernels::Shape& extents, std::vector<double> elements)
        : shape(extents), values(std::move(elements)) {}

    double& operator[](int64_t index) { return values[static_cast<size_t>(index)]; }
    double operator[](int64_t index) const { return values[static_cast<size_t>(index)]; }
    int64_t elements() const { return shape.elements(); }
    int64_t channels() const { return shape.last(); }
};

// Evenly spread over [low, high), the same on every machine, exact in f32.
inline Array randomArray(const kernels::Shape& shape, uint32_t seed, double low = -2,
                         double high = 2) {
    std::mt19937 generator(seed);
    Array array(shape);
    for (double& value : array.values)
        value = static_cast<float>(low + (high - low) * (generator() / 4294967296.0));
    return array;
}

inline double rounded(double value, kernels::DType dtype) {
    const auto single = static_cast<float>(value);
    if (dtype == kernels::DType::BF16) return kernels::bf16ToFloat(kernels::floatToBf16(single));
    if (dtype == kernels::DType::F16) return kernels::f16ToFloat(kernels::floatToF16(single));
    return single;
}

// To F32, BF16 or F16; the array takes the rounded values, so that both sides see the same input.
inline kernels::Tensor toTensor(kernels::Device& device, Array& array, kernels::DType dtype) {
    for (double& value : array.values) value = rounded(value, dtype);
    if (dtype == kernels::DType::F32) {
        const std::vector<float> values(array.values.begin(), array.values.end());
        return device.fromHost(values.data(), array.shape, dtype);
    }
    std::vector<uint16_t> bits;
    for (const double value : array.values)
        bits.push_back(dtype == kernels::DType::BF16
                           ? kernels::floatToBf16(static_cast<float>(value))
                           : kernels::floatToF16(static_cast<float>(value)));
    return device.fromHost(bits.data(), array.shape, dtype);
}

inline Array toArray(const kernels::Tensor& tensor) {
    Array array(tensor.shape());
    if (tensor.dtype() == kernels::DType::F32) {
        const std::vector<float> values = tensor.device().toHost<float>(tensor);
        array.values.assign(values.begin(), values.end());
        return array;
    }
    const std::vector<uint16_t> bits = tensor.device().toHost<uint16_t>(tensor);
    for (size_t i = 0; i < bits.size(); ++i)
        array.values[i] = tensor.dtype() == kernels::DType::BF16 ? kernels::bf16ToFloat(bits[i])
                                                                 : kernels::f16ToFloat(bits[i]);
    return array;
}

inline std::vector<uint8_t> toBytes(const kernels::Tensor& tensor) {
    std::vector<uint8_t> bytes(tensor.sizeBytes());
    tensor.device().toHost(tensor, bytes.data());
    return bytes;
}

// max|a-b| / max|b|; infinite where the shapes differ or anything is not finite.
inline double relativeError(const Array& a, const Array& b) {
    double difference = 0, largest = 0;
    if (a.shape != b.shape) return std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < a.values.size(); ++i) {
        const double distance = std::fabs(a.values[i] - b.values[i]);
        if (!std::isfinite(distance)) return std::numeric_limits<double>::infinity();
        difference = std::fmax(difference, distance);
        largest = std::fmax(largest, std::fabs(b.values[i]));
    }
    return difference == 0 ? 0 : difference / largest;
}

// What an op with f32 inside may differ by from the reference: its own arithmetic in f32, the
// rounding of the result in the others.
inline double tolerance(kernels::DType dtype) {
    switch (dtype) {
    case kernels::DType::BF16: return 1.0 / 256;
    case kernels::DType::F16: return 1.0 / 2048;
    default: return 1e-5;
    }
}

} // namespace kinora::test
