#include "kernels/tensor/shape.h"

#include "kernels/base/error.h"

#include <algorithm>

namespace kinora::kernels {

Shape::Shape(std::initializer_list<int64_t> dims)
    : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}

Shape::Shape(std::span<const int64_t> dims) {
    if (dims.size() > kMaxRank)
        throw Error(ErrorCode::InvalidArgument, "A tensor has more than six axes.");
    int64_t elements = 1;
    for (const int64_t extent : dims) {
        if (extent < 0) throw Error(ErrorCode::InvalidArgument, "A tensor has a negative extent.");
        if (__builtin_mul_overflow(elements, extent, &elements))
            throw Error(ErrorCode::InvalidArgument,
                        "A tensor has more elements than can be counted.");
        m_dims[m_rank++] = extent;
    }
}

int64_t Shape::elements() const {
    int64_t count = 1;
    for (const int64_t extent : dims()) count *= extent;
    return count;
}

Shape Shape::with(int axis, int64_t extent) const {
    Shape changed = *this;
    changed.m_dims[axis < 0 ? axis + m_rank : axis] = extent;
    return changed;
}

bool operator==(const Shape& a, const Shape& b) {
    return std::ranges::equal(a.dims(), b.dims());
}

std::string toString(const Shape& shape) {
    std::string text = "[";
    for (int axis = 0; axis < shape.rank(); ++axis) {
        if (axis) text += ", ";
        text += std::to_string(shape[axis]);
    }
    return text + "]";
}

} // namespace kinora::kernels
