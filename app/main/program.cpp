#include "app/main/program.h"

#include "app/main/version.h"
#include "core/engine/in_process_engine.h"
#include "core/engine/worker_library.h"
#include "kernels/base/log.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"

#include <QStandardPaths>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sstream>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

fs::path standardFolder(QStandardPaths::StandardLocation location, const char* name) {
    return fs::path(QStandardPaths::writableLocation(location).toStdString()) / name;
}

fs::path dataFolder(const Arguments& arguments) {
    const std::optional<std::string> given = arguments.value("data");
    if (!given) return standardFolder(QStandardPaths::GenericDataLocation, "kinora");
    std::error_code ignored;
    if (given->empty() || (fs::exists(*given, ignored) && !fs::is_directory(*given, ignored)))
        throw Error(ErrorCode::InvalidArgument, "--data: '" + *given + "' is not a folder.",
                    "Give a folder; it is made where it is missing.");
    return fs::absolute(*given);
}

core::ModelLibrary::Options libraryOptions(const Arguments& arguments) {
    core::ModelLibrary::Options options;
    options.dataFolder = dataFolder(arguments);
    for (const std::string& folder : arguments.values("models")) {
        std::error_code ignored;
        if (!fs::is_directory(folder, ignored))
            throw Error(ErrorCode::InvalidArgument, "--models: '" + folder + "' is not a folder.",
                        "Give a folder that holds models.");
        options.folders.emplace_back(folder);
    }
    // A variable outlives the disks that it names: what is not there is passed over.
    if (const char* variable = std::getenv("KINORA_MODELS")) {
        std::istringstream folders(variable);
        for (std::string folder; std::getline(folders, folder, ':');)
            if (!folder.empty()) options.folders.emplace_back(folder);
    }
    return options;
}

int threadsOf(const Arguments& arguments) {
    constexpr int64_t kMost = 1024;
    return arguments.has("threads") ? static_cast<int>(arguments.integer("threads", 0, 1, kMost))
                                    : 0;
}

core::InProcessEngine::Options engineOptions(const Arguments& arguments) {
    core::InProcessEngine::Options options;
    options.threads = threadsOf(arguments);
    options.version = engineVersion();
    options.dataFolder = dataFolder(arguments);
    return options;
}

// What runs for hours must outlive a crash; the other commands start faster without.
int workersOf(const Arguments& arguments) {
    constexpr int64_t kMost = 256;
    const int asked = static_cast<int>(arguments.integer("workers", 1, 0, kMost));
    const std::string command = arguments.command ? arguments.command->name : "the window";
    const bool uses = command == "the window" || command == "queue" || command == "render";
    return uses ? asked : 0;
}

core::WorkerEngineOptions workerEngineOptions(const Arguments& arguments) {
    core::WorkerEngineOptions options;
    std::error_code ignored;
    options.program = fs::read_symlink("/proc/self/exe", ignored);
    for (const std::string& folder : arguments.values("models"))
        options.arguments.insert(options.arguments.end(), {"--models", folder});
    if (const auto data = arguments.value("data"))
        options.arguments.insert(options.arguments.end(), {"--data", *data});
    for (const char* flag : {"quiet", "verbose"})
        if (arguments.has(flag)) options.arguments.push_back(std::string("--") + flag);
    options.threads = threadsOf(arguments);
    options.engineVersion = engineVersion();
    options.workers = workersOf(arguments);
    return options;
}

std::vector<std::string> namesOf(const kernels::BackendRegistry& backends) {
    std::vector<std::string> names;
    for (const kernels::BackendTable* table : backends.all()) names.emplace_back(table->name);
    return names;
}

} // namespace

std::string engineVersion() {
    const std::string commit = kCommit;
    return std::string("kinora ") + kVersion + (commit.empty() ? "" : " (" + commit + ")");
}

kernels::BackendRegistry registeredBackends() {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    static const kernels::BackendTable plan = kernels::cpuPlanBackend(kernels::metaBackend());
    backends.add(plan);
    return backends;
}

Program::Program(const Arguments& arguments)
    : m_backends(registeredBackends()), m_library(libraryOptions(arguments)),
      m_engine(std::max(1, workersOf(arguments)),
               [this, workers = workerEngineOptions(arguments),
                inProcess = engineOptions(arguments)]() -> std::unique_ptr<core::Engine> {
                   if (workers.workers > 0) {
                       Result<std::unique_ptr<core::Engine>> engine =
                           core::makeWorkerEngine(workers);
                       if (engine) return *std::move(engine);
                       logMessage(LogLevel::Warning,
                                  std::string(engine.error().what()) +
                                      " Computing in this process: a crash would end it.");
                   }
                   return std::make_unique<core::InProcessEngine>(m_backends, m_library, inProcess);
               }),
      m_context{m_engine,
                m_library,
                kVersion,
                kCommit,
                engineVersion(),
                namesOf(m_backends),
                dataFolder(arguments),
                standardFolder(QStandardPaths::PicturesLocation, "Kinora"),
                threadsOf(arguments),
                &m_backends,
                [options = workerEngineOptions(arguments)](int workers) {
                    core::WorkerEngineOptions asked = options;
                    asked.workers = std::max(1, workers > 0 ? workers : options.workers);
                    return core::makeWorkerEngine(asked);
                }} {}

} // namespace kinora::app
