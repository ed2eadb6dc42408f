#include "tests/support/model_parts.h"

#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "kernels/ops/layout.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/safetensors.h"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace kinora::test {

using kernels::DType;
using kernels::Tensor;

const kernels::BackendRegistry& allBackends() {
    static const kernels::BackendRegistry registry = [] {
        static const kernels::BackendTable plan = kernels::cpuPlanBackend(kernels::metaBackend());
        kernels::BackendRegistry backends;
        backends.add(kernels::cpuBackend());
        backends.add(plan);
        return backends;
    }();
    return registry;
}

ModelParts::ModelParts(const std::string& model, std::string_view backend, DType compute)
    : m_folder(goldenPath(model)), m_compute(compute), m_golden(model + "-parts.safetensors"),
      m_device(allBackends().open(backend, {.ordinal = 0, .threads = 2})) {}

// A folder with one component has its files at the top.
nlohmann::json ModelParts::config(const std::string& component) const {
    const std::filesystem::path folder(m_folder);
    const bool isModel = std::filesystem::exists(folder / "model_index.json");
    return pipelines::readJsonFile((isModel ? folder / component : folder) / "config.json",
                                   component + "/config.json");
}

const pipelines::Weights& ModelParts::weights(const std::string& component) {
    Part& part = m_parts[component];
    if (part.weights) return *part.weights;
    const std::filesystem::path folder(m_folder);
    if (std::filesystem::exists(folder / "model_index.json"))
        part.source = pipelines::Model::open(folder).weights(component);
    else
        part.source = std::make_unique<pipelines::SafetensorsFile>(
            folder / "diffusion_pytorch_model.safetensors", component);
    part.weights = std::make_unique<pipelines::Weights>(*part.source, *m_device, m_compute);
    return *part.weights;
}

Tensor ModelParts::input(const std::string& name, DType dtype) {
    const std::vector<int64_t> dims = m_golden.shape(name);
    const kernels::Shape shape{std::span<const int64_t>(dims)};
    const std::vector<float> values = m_golden.floats(name);
    const Tensor tensor = m_device->hasNumbers()
                              ? m_device->fromHost(values.data(), shape, DType::F32)
                              : m_device->empty(shape, DType::F32);
    return kernels::convert(tensor, dtype);
}

double ModelParts::error(const Tensor& found, const std::string& expected) {
    if (!m_device->hasNumbers()) return 0;
    return relativeError(m_device->toHost<float>(kernels::convert(found, DType::F32)),
                         m_golden.floats(expected));
}

} // namespace kinora::test
