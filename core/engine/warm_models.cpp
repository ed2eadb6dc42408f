#include "core/engine/warm_models.h"

#include <algorithm>
#include <utility>

namespace kinora::core {

size_t WarmModels::Model::bytes() const {
    return device->weightBytes() + device->arena().stats().reservedBytes;
}

WarmModels::Model* WarmModels::find(const Source& source) {
    m_models.remove_if([&](const Model& model) {
        Source now = model.source;
        now.changed = source.changed;
        return now == source && model.source != source;
    });
    const auto found = std::ranges::find(m_models, source, &Model::source);
    if (found != m_models.end()) m_models.splice(m_models.begin(), m_models, found);
    update();
    return found == m_models.end() ? nullptr : &m_models.front();
}

void WarmModels::makeRoom(const std::function<bool()>& enough, const Model* keep) {
    while (!m_models.empty() && &m_models.back() != keep && !enough()) {
        m_models.pop_back();
        update();
    }
}

WarmModels::Model& WarmModels::add(Model model) {
    // The others keep their weights; what their runs took besides goes back.
    for (Model& other : m_models) other.device->arena().trim();
    while (m_models.size() >= kMost) m_models.pop_back();
    m_models.push_front(std::move(model));
    update();
    return m_models.front();
}

void WarmModels::clear() {
    m_models.clear();
    update();
}

void WarmModels::update() {
    size_t bytes = 0;
    for (const Model& model : m_models) bytes += model.bytes();
    m_bytes = bytes;
}

} // namespace kinora::core
