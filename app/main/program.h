#pragma once
// The object graph: back ends, library and engine, built from the options of every command.

#include "app/cli/arguments.h"
#include "app/program.h"
#include "core/engine/in_process_engine.h"
#include "core/library/model_library.h"
#include "kernels/backend/registry.h"

#include <string>

namespace kinora::app {

class Program {
  public:
    // Throws Error{InvalidArgument} on a wrong --threads, --models or --data.
    explicit Program(const Arguments& arguments);

    const ProgramContext& context() const { return m_context; }

  private:
    kernels::BackendRegistry m_backends;
    core::ModelLibrary m_library;
    core::InProcessEngine m_engine;
    ProgramContext m_context;
};

// "kinora 0.1.0 (abc1234)".
std::string engineVersion();
// Back ends that this program has: those compiled in.
kernels::BackendRegistry registeredBackends();

} // namespace kinora::app
