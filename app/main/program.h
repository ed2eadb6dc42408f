#pragma once
// The object graph: back ends, library and engine, built from the options of every command. The
// window, the queue and render compute in worker processes, the other commands in this one.

#include "app/cli/arguments.h"
#include "app/main/deferred_engine.h"
#include "app/program.h"
#include "core/library/model_library.h"
#include "kernels/backend/registry.h"

#include <string>

namespace kinora::app {

class Program {
  public:
    // Throws Error{InvalidArgument} on a wrong --threads, --workers, --models or --data.
    explicit Program(const Arguments& arguments);

    const ProgramContext& context() const { return m_context; }

  private:
    kernels::BackendRegistry m_backends;
    core::ModelLibrary m_library;
    DeferredEngine m_engine;
    ProgramContext m_context;
};

// "kinora 0.1.0 (abc1234)".
std::string engineVersion();
// Back ends that this program has: those compiled in.
kernels::BackendRegistry registeredBackends();

} // namespace kinora::app
