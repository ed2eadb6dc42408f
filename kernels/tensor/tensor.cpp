#include "kernels/tensor/tensor.h"

#include "kernels/base/error.h"

#include <utility>

namespace kinora::kernels {

Tensor::Tensor(Device& device, std::shared_ptr<void> storage, Shape shape, DType dtype)
    : m_device(&device), m_storage(std::move(storage)), m_data(m_storage.get()), m_shape(shape),
      m_dtype(dtype) {}

Tensor Tensor::reshape(const Shape& shape) const {
    if (shape.elements() != elements())
        throw Error(ErrorCode::Internal,
                    "Cannot reshape " + toString(m_shape) + " to " + toString(shape) + ".");
    Tensor view = *this;
    view.m_shape = shape;
    return view;
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
    if (m_shape.rank() == 0 || begin < 0 || end < begin || end > m_shape[0])
        throw Error(ErrorCode::Internal, "Cannot slice " + toString(m_shape) + " from " +
                                             std::to_string(begin) + " to " + std::to_string(end) +
                                             ".");
    Tensor view = *this;
    view.m_shape = m_shape.with(0, end - begin);
    const size_t rowBytes = m_shape[0] ? sizeBytes() / static_cast<size_t>(m_shape[0]) : 0;
    view.m_data = static_cast<char*>(m_data) + rowBytes * static_cast<size_t>(begin);
    return view;
}

} // namespace kinora::kernels
