#pragma once
// What main builds once and hands to a command or to the window: the object graph of the program.
// Everything here outlives the command and the window.

#include "core/engine/engine.h"
#include "core/library/model_library.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kinora::kernels {
class BackendRegistry;
}

namespace kinora::app {

struct ProgramContext {
    core::Engine& engine;
    const core::ModelLibrary& library;
    std::string version;                // "0.1.0"
    std::string commit;                 // "abc1234", empty where the build did not know it
    std::string engineVersion;          // "kinora 0.1.0 (abc1234)": what a picture's metadata says
    std::vector<std::string> backEnds;  // "cpu", "meta"
    std::filesystem::path dataFolder;   // queue, cache, logs; not made before something is written
    std::filesystem::path outputFolder; // where pictures go by default: Pictures/Kinora
    int threads = 0;                    // as asked for; 0: one per core
    const kernels::BackendRegistry* backEndRegistry = nullptr; // for core's bench and device list

    // An engine of worker processes; workers: 0: as --workers says, else one. The caller owns it
    // and what it costs: some tens of milliseconds, and processes. Error{NotFound, Unsupported}.
    std::function<Result<std::unique_ptr<core::Engine>>(int workers)> makeWorkerEngine = {};
};

// The window is a module of its own (libkinora_gui.so), so that a command never loads widgets. It
// makes its own QApplication and returns the exit code.
inline constexpr const char* kWindowEntryPoint = "kinoraRunWindow";
using WindowEntryPoint = int (*)(int argc, char** argv, const ProgramContext& context);

} // namespace kinora::app

// Defined by the window's module.
extern "C" int kinoraRunWindow(int argc, char** argv, const kinora::app::ProgramContext& context);
