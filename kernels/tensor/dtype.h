#pragma once
// Element types of tensors. Computation happens in F32, BF16 and F16; the others are what files
// store and what indices are held in.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kinora::kernels {

enum class DType : int32_t { F32, BF16, F16, F64, F8E4M3, F8E5M2, I64, I32, I16, I8, U8, Bool };

size_t sizeBytes(DType dtype);

// As the field writes them: "f32", "bf16", "f8_e4m3" ...
std::string_view dtypeName(DType dtype);

// Scalar conversions, round to nearest even; NaN stays NaN. Bits travel as unsigned integers.
uint16_t floatToBf16(float value);
float bf16ToFloat(uint16_t bits);
uint16_t floatToF16(float value);
float f16ToFloat(uint16_t bits);
float f8e4m3ToFloat(uint8_t bits); // OCP FP8 E4M3: no infinities, 0x7f is NaN
float f8e5m2ToFloat(uint8_t bits); // OCP FP8 E5M2

} // namespace kinora::kernels
