#pragma once
// Reads a tensor in the dtype that computes: several threads read and convert, a stretch at a time,
// and the caller takes the stretches in order.

#include "kernels/tensor/dtype.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

class WeightSource;

class TensorReader {
  public:
    // first: the element that values begin with; they are there until the call returns.
    using Take = std::function<void(int64_t first, std::span<const std::byte> values)>;

    explicit TensorReader(int threads); // 1 or more; no more than eight are used
    // to: F32, BF16 or F16. Throws what the source throws.
    void read(const WeightSource& source, std::string_view name, int64_t elements,
              kernels::DType to, const Take& take);

  private:
    struct Worker {
        std::vector<float> values;        // a block, as read
        std::vector<std::byte> converted; // a stretch
    };
    std::vector<Worker> m_workers;
};

} // namespace kinora::pipelines
