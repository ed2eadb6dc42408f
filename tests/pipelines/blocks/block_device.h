#pragma once
// A device with random weights and inputs for tests of single layers. Numbers against the
// reference's are compared for whole models (tests/pipelines/{denoisers,vae,text}); here it is what
// a layer must hold whatever its numbers are.

#include "kernels/backend/registry.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/weights/random_weights.h"
#include "pipelines/weights/weights.h"

#include <memory>
#include <string>
#include <vector>

namespace kinora::test {

struct BlockDevice {
    kernels::BackendRegistry backends;
    std::unique_ptr<kernels::Device> device;
    pipelines::RandomWeights source;
    pipelines::Weights weights;

    static kernels::BackendRegistry all() {
        kernels::BackendRegistry backends;
        backends.add(kernels::cpuBackend());
        backends.add(kernels::metaBackend());
        return backends;
    }

    explicit BlockDevice(std::string_view backend = "cpu",
                         kernels::DType compute = kernels::DType::F32)
        : backends(all()), device(backends.open(backend, {.ordinal = 0, .threads = 2})),
          weights(source, *device, compute) {}

    // Numbers of order one that depend on `name`.
    kernels::Tensor random(std::string_view name, const kernels::Shape& shape) {
        if (!device->hasNumbers()) return device->empty(shape, kernels::DType::F32);
        std::vector<float> values(static_cast<size_t>(shape.elements()));
        source.read(name, 0, values);
        for (float& value : values) value *= 20;
        return device->fromHost(values.data(), shape, kernels::DType::F32);
    }

    std::vector<float> values(const kernels::Tensor& tensor) {
        return device->toHost<float>(tensor);
    }
};

} // namespace kinora::test
