#pragma once
// A tensor's values on the host: what can be kept, sent and compared without its device.

#include "kernels/backend/device.h"
#include "kernels/tensor/shape.h"

#include <vector>

namespace kinora::pipelines {

struct HostTensor {
    kernels::Shape shape;
    std::vector<float> values; // none: no tensor

    bool defined() const { return !values.empty(); }
    friend bool operator==(const HostTensor&, const HostTensor&) = default;
};

// tensor: f32, or none. Waits for the device.
HostTensor toHostTensor(const kernels::Tensor& tensor);
// As many values as the shape says. Throws Error{OutOfMemory}.
kernels::Tensor toTensor(const HostTensor& tensor, kernels::Device& device);

} // namespace kinora::pipelines
