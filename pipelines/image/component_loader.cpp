#include "pipelines/image/component_loader.h"

#include <algorithm>
#include <utility>

namespace kinora::pipelines {

namespace {

constexpr std::pair<const char*, const char*> kLabels[] = {
    {"text_encoder", "text encoder"},
    {"text_encoder_2", "second text encoder"},
    {"unet", "denoiser"},
    {"vae", "VAE"}};

} // namespace

ComponentLoader::ComponentLoader(const Model& model, kernels::Device& device,
                                 kernels::DType compute, Progress progress)
    : m_model(model), m_device(device), m_compute(compute), m_progress(std::move(progress)) {
    for (const auto& [name, label] : kLabels) {
        if (!model.has(name)) continue;
        Component& component = m_components[name];
        component.label = label;
        component.source = model.weights(name);
        m_totalBytes += component.source->totalBytes();
    }
}

const Weights& ComponentLoader::open(const std::string& name) {
    Component& component = m_components.at(name);
    const auto progress = [this, &component, before = m_bytesBefore](int64_t bytesRead) {
        if (m_progress)
            m_progress(component.label,
                       static_cast<double>(before + bytesRead) /
                           static_cast<double>(std::max<int64_t>(m_totalBytes, 1)));
    };
    component.weights = std::make_unique<Weights>(*component.source, m_device, m_compute, progress);
    m_bytesBefore += component.source->totalBytes();
    return *component.weights;
}

std::vector<std::string> ComponentLoader::unused() const {
    std::vector<std::string> unused;
    for (const auto& [name, component] : m_components)
        if (component.weights)
            for (const std::string& tensor : component.weights->unused())
                unused.push_back(name + "/" + tensor);
    return unused;
}

} // namespace kinora::pipelines
