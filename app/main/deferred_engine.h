#pragma once
// An engine that is built when it is first asked for something: most commands never compute, and
// must not start worker processes. Any thread.

#include "core/engine/engine.h"

#include <functional>
#include <memory>
#include <mutex>

namespace kinora::app {

class DeferredEngine : public core::Engine {
  public:
    // capacity: what capacity() says before it is built.
    DeferredEngine(int capacity, std::function<std::unique_ptr<core::Engine>()> make);

    using Engine::submit;
    core::JobId submit(const pipelines::ImageRequest& request, core::EngineSink sink,
                       const std::filesystem::path& checkpoint) override;
    int capacity() const override;
    std::vector<core::WorkerStatus> workers() const override;
    void cancel(core::JobId job) override;
    void interrupt(core::JobId job) override;
    void stopAfterThis(core::JobId job) override;
    Result<pipelines::Plan> plan(const pipelines::ImageRequest& request) override;

  private:
    core::Engine& built();
    core::Engine* builtAlready() const; // nullptr: not yet

    const int m_capacity;
    const std::function<std::unique_ptr<core::Engine>()> m_make;
    mutable std::mutex m_mutex;
    std::unique_ptr<core::Engine> m_engine;
};

} // namespace kinora::app
