#pragma once
// Weights: a component's tensors seen through a name prefix, on their way to a device.
//
//     struct ResnetBlock {
//         explicit ResnetBlock(const Weights& weights, int64_t in, int64_t out)
//             : conv1(weights.conv2d("conv1", out, in, 3)), norm1(weights.norm("norm1", in)) {}
//     };
//     ResnetBlock block(weights / "down_blocks.0" / "resnets.1", 320, 320);
//
// Every tensor is asked for with the shape that the config implies; a missing or mis-shaped one
// throws Error{BadFile} that names it, the expected and the found shape. On the meta back end
// shapes are checked and no numbers are read. Small values (biases, norms) are f32 always; matrices
// are in the compute dtype, packed: one copy.

#include "kernels/backend/weight.h"
#include "pipelines/weights/weight_source.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

enum class Bias { No, Yes, Optional }; // Optional: taken where the file has one

struct LinearWeights {
    kernels::Weight weight;
    kernels::Tensor bias;
    kernels::Tensor operator()(const kernels::Tensor& x,
                               kernels::Activation activation = kernels::Activation::None,
                               const kernels::Tensor& residual = {}) const;
};

struct NormWeights {
    kernels::Tensor scale;
    kernels::Tensor shift;
};

class Weights {
  public:
    // source must outlive the Weights and its copies. compute: F32 or BF16.
    // progress, where given, hears the bytes read so far (as stored) after each tensor.
    using Progress = std::function<void(int64_t bytesRead)>;
    Weights(const WeightSource& source, kernels::Device& device, kernels::DType compute,
            Progress progress = {});

    // The same tensors below "prefix.".
    Weights operator/(std::string_view name) const;

    LinearWeights linear(std::string_view name, int64_t out, int64_t in,
                         Bias bias = Bias::Yes) const;
    kernels::Weight convolution(std::string_view name, int64_t out, int64_t in, int kernel,
                                int stride = 1) const;                   // "<name>.weight"
    NormWeights norm(std::string_view name, int64_t channels) const;     // "<name>.weight", ".bias"
    kernels::Tensor vector(std::string_view name, int64_t length) const; // f32
    kernels::Tensor matrix(std::string_view name, int64_t rows, int64_t columns) const; // f32
    kernels::Tensor values(std::string_view name, const kernels::Shape& shape) const;   // f32
    // In the compute dtype, not packed: what embedding() looks rows up in.
    kernels::Tensor table(std::string_view name, int64_t rows, int64_t columns) const;
    bool has(std::string_view name) const;

    // The same tensors, computed with in another dtype: for the few layers that bf16 is too coarse
    // for.
    Weights in(kernels::DType compute) const;
    // Tensors that begin with this name belong to a part that is not loaded: not unused.
    void ignore(std::string_view name) const;

    kernels::Device& device() const;
    kernels::DType compute() const;

    // Names in the source that nobody asked for: told to the user, counted, first ones named.
    std::vector<std::string> unused() const;

  private:
    struct Shared;
    std::string fullName(std::string_view name) const;
    kernels::Tensor load(const std::string& name, const kernels::Shape& shape,
                         kernels::DType dtype) const;
    std::shared_ptr<Shared> m_shared; // shared by the prefixes of one component
    kernels::DType m_compute;
    std::string m_prefix;
};

} // namespace kinora::pipelines
