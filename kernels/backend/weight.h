#pragma once
// Weight: one packed matrix or convolution kernel, the only copy in memory.
//
//     Weight w = Weight::pack(WeightKind::Linear, plain);   // plain [out, in] may go afterwards
//     Tensor y = linear(x, w, bias);

#include "kernels/backend/device.h"

namespace kinora::kernels {

class Weight {
  public:
    Weight() = default;
    Weight(Weight&& other) noexcept;
    Weight& operator=(Weight&& other) noexcept;
    ~Weight();

    // plain: Linear [out, in], Conv2d [out, in, height, width]; F32 or BF16, which becomes the
    // dtype that it computes in. stride: Conv2d only. Throws Error{OutOfMemory}.
    static Weight pack(WeightKind kind, const Tensor& plain, int stride = 1);

    bool defined() const { return m_packed != nullptr; }
    const Shape& shape() const { return m_shape; } // as it was before packing
    DType dtype() const { return m_dtype; }
    WeightKind kind() const { return m_kind; }
    Device& device() const { return *m_device; }
    const PackedWeight* packed() const { return m_packed; }
    size_t sizeBytes() const;
    bool isForWinograd() const; // as the back end says

  private:
    void reset();

    Device* m_device = nullptr;
    PackedWeight* m_packed = nullptr;
    Shape m_shape;
    DType m_dtype = DType::F32;
    WeightKind m_kind = WeightKind::Linear;
};

} // namespace kinora::kernels
