#pragma once
// A convolution and its bias, as torch.nn.Conv2d.

#include "kernels/ops/conv.h"
#include "pipelines/weights/weights.h"

namespace kinora::pipelines {

struct Conv2d {
    kernels::Weight weight;
    kernels::Tensor bias;
    kernels::Conv2dOptions options;

    // kernel: odd; padded so that stride 1 keeps the size.
    Conv2d(const Weights& weights, std::string_view name, int64_t out, int64_t in, int kernel);
    Conv2d(const Weights& weights, std::string_view name, int64_t out, int64_t in, int kernel,
           const kernels::Conv2dOptions& options);

    // x [N,H,W,in] in the compute dtype -> [N,Ho,Wo,out]; residual, where defined, is added.
    kernels::Tensor operator()(const kernels::Tensor& x,
                               const kernels::Tensor& residual = {}) const;
};

} // namespace kinora::pipelines
