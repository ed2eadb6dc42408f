#include "pipelines/image/host_tensor.h"

namespace kinora::pipelines {

HostTensor toHostTensor(const kernels::Tensor& tensor) {
    if (!tensor.defined()) return {};
    return {tensor.shape(), tensor.device().toHost<float>(tensor)};
}

kernels::Tensor toTensor(const HostTensor& tensor, kernels::Device& device) {
    if (!tensor.defined()) return {};
    return device.fromHost(tensor.values.data(), tensor.shape, kernels::DType::F32);
}

} // namespace kinora::pipelines
