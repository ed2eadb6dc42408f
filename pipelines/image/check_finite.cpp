#include "pipelines/image/check_finite.h"

#include "kernels/base/error.h"
#include "kernels/ops/reduce.h"

namespace kinora::pipelines {

void checkFinite(const kernels::Tensor& values, const std::string& part, kernels::DType compute) {
    if (kernels::allFinite(values)) return;
    const bool full = compute == kernels::DType::F32;
    throw Error(ErrorCode::NonFinite,
                part + " gave values that are not numbers (NaN or infinite) in " +
                    std::string(kernels::dtypeName(compute)) + " precision.",
                full ? "Its weights, or those of a LoRA or another file used with it, may be "
                       "damaged: try without those, or fetch it again. A lower guidance scale or "
                       "another sampler may help too."
                     : "Try --precision f32, a lower guidance scale or another sampler.");
}

} // namespace kinora::pipelines
