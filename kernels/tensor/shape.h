#pragma once
// The extents of a tensor, outermost first, at most kMaxRank of them. Channels come last:
// NHWC pictures, NLC sequences.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace kinora::kernels {

inline constexpr int kMaxRank = 6;

class Shape {
  public:
    Shape() = default; // rank 0: one element
    Shape(std::initializer_list<int64_t> dims);
    // Throws Error{InvalidArgument} on a negative extent, on more than kMaxRank of them, and where
    // the number of elements does not fit 63 bits.
    explicit Shape(std::span<const int64_t> dims);

    int rank() const { return m_rank; }
    int64_t operator[](int axis) const { return m_dims[axis < 0 ? axis + m_rank : axis]; }
    std::span<const int64_t> dims() const { return {m_dims.data(), static_cast<size_t>(m_rank)}; }
    int64_t elements() const;
    int64_t last() const { return m_rank ? m_dims[m_rank - 1] : 1; }

    Shape with(int axis, int64_t extent) const;

    friend bool operator==(const Shape& a, const Shape& b);

  private:
    std::array<int64_t, kMaxRank> m_dims{};
    int m_rank = 0;
};

std::string toString(const Shape& shape); // "[2, 64, 64, 320]"

} // namespace kinora::kernels
