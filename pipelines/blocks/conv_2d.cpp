#include "pipelines/blocks/conv_2d.h"

namespace kinora::pipelines {

Conv2d::Conv2d(const Weights& weights, std::string_view name, int64_t out, int64_t in, int kernel)
    : Conv2d(weights, name, out, in, kernel,
             {.stride = 1, .padding = kernels::Padding::same((kernel - 1) / 2)}) {}

Conv2d::Conv2d(const Weights& weights, std::string_view name, int64_t out, int64_t in, int kernel,
               const kernels::Conv2dOptions& how)
    : weight(weights.convolution(name, out, in, kernel, how.stride)),
      bias((weights / name).vector("bias", out)), options(how) {}

kernels::Tensor Conv2d::operator()(const kernels::Tensor& x,
                                   const kernels::Tensor& residual) const {
    return kernels::conv2d(x, weight, bias, options, residual);
}

} // namespace kinora::pipelines
