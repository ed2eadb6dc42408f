#pragma once
// Tensor: a value that names a contiguous block of elements on one device.
//
//     Tensor x = device.empty({2, 64, 64, 320}, DType::F32);
//     Tensor first = x.slice(0, 1);       // a view: shares the storage
//
// Copying a Tensor copies the name, not the elements. Storage returns to its arena when the last
// name goes. Channels are last at any rank. A tensor belongs to the thread that drives its device.

#include "kernels/tensor/dtype.h"
#include "kernels/tensor/shape.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace kinora::kernels {

class Device; // kernels/backend/device.h: what computes on this tensor; it makes tensors too

class Tensor {
  public:
    Tensor() = default; // no tensor: defined() is false

    bool defined() const { return m_data != nullptr; }
    explicit operator bool() const { return defined(); }

    const Shape& shape() const { return m_shape; }
    int64_t dim(int axis) const { return m_shape[axis]; }
    int64_t elements() const { return m_shape.elements(); }
    size_t sizeBytes() const {
        return static_cast<size_t>(elements()) * kernels::sizeBytes(m_dtype);
    }
    DType dtype() const { return m_dtype; }
    Device& device() const { return *m_device; }

    // The first element. Readable by the host only where the device's memory is the host's.
    void* data() const { return m_data; }
    template <typename T> T* as() const { return static_cast<T*>(m_data); }
    template <typename T> std::span<T> span() const {
        return {static_cast<T*>(m_data), static_cast<size_t>(elements())};
    }

    // The same elements under another shape of as many. Throws Error{Internal} otherwise.
    Tensor reshape(const Shape& shape) const;
    // A view of [begin, end) of the outermost axis.
    Tensor slice(int64_t begin, int64_t end) const;

    // For Device: adopts memory that `storage` keeps alive.
    Tensor(Device& device, std::shared_ptr<void> storage, Shape shape, DType dtype);

  private:
    Device* m_device = nullptr;
    std::shared_ptr<void> m_storage; // shared: views and copies name the same elements
    void* m_data = nullptr;
    Shape m_shape;
    DType m_dtype = DType::F32;
};

} // namespace kinora::kernels
