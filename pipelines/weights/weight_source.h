#pragma once
// Where the tensors of one model component come from: a safetensors file, a sharded set of them,
// random numbers (bench).

#include "kernels/tensor/dtype.h"
#include "kernels/tensor/shape.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

struct TensorInfo {
    std::string name;
    kernels::DType dtype;
    kernels::Shape shape;
};

class WeightSource {
  public:
    virtual ~WeightSource() = default;

    // How errors name it: "unet/diffusion_pytorch_model.safetensors".
    virtual const std::string& label() const = 0;
    // expected: what the reader will ask for; a source that makes its own numbers answers with it.
    virtual std::optional<TensorInfo> find(std::string_view name,
                                           const kernels::Shape& expected) const = 0;
    // All names, sorted; empty for a source that makes any tensor.
    virtual std::vector<std::string> names() const = 0;
    // Of all tensors as they are stored; 0 for a source that makes any tensor.
    virtual int64_t totalBytes() const = 0;
    // Elements [first, first + count) of the tensor, converted to f32. Several threads may read one
    // tensor at a time. Throws Error{Io, BadFile}.
    virtual void read(std::string_view name, int64_t first, std::span<float> values) const = 0;
    // What the file says of itself ("modelspec.prediction_type"); empty where it does not.
    virtual std::string remark(std::string_view) const { return {}; }
};

} // namespace kinora::pipelines
