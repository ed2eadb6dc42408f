#include "app/main/deferred_engine.h"

#include <utility>

namespace kinora::app {

DeferredEngine::DeferredEngine(int capacity, std::function<std::unique_ptr<core::Engine>()> make)
    : m_capacity(capacity), m_make(std::move(make)) {}

core::Engine& DeferredEngine::built() {
    const std::lock_guard lock(m_mutex);
    if (!m_engine) m_engine = m_make();
    return *m_engine;
}

core::Engine* DeferredEngine::builtAlready() const {
    const std::lock_guard lock(m_mutex);
    return m_engine.get();
}

core::JobId DeferredEngine::submit(const pipelines::ImageRequest& request, core::EngineSink sink,
                                   const std::filesystem::path& checkpoint) {
    return built().submit(request, std::move(sink), checkpoint);
}

int DeferredEngine::capacity() const {
    const core::Engine* engine = builtAlready();
    return engine ? engine->capacity() : m_capacity;
}

std::vector<core::WorkerStatus> DeferredEngine::workers() const {
    const core::Engine* engine = builtAlready();
    return engine ? engine->workers() : std::vector<core::WorkerStatus>();
}

void DeferredEngine::cancel(core::JobId job) {
    if (core::Engine* engine = builtAlready()) engine->cancel(job);
}

void DeferredEngine::interrupt(core::JobId job) {
    if (core::Engine* engine = builtAlready()) engine->interrupt(job);
}

void DeferredEngine::stopAfterThis(core::JobId job) {
    if (core::Engine* engine = builtAlready()) engine->stopAfterThis(job);
}

Result<pipelines::Plan> DeferredEngine::plan(const pipelines::ImageRequest& request) {
    return built().plan(request);
}

} // namespace kinora::app
