#include "core/engine/worker_library.h"

#include <dlfcn.h>
#include <system_error>

namespace kinora::core {

namespace {

constexpr const char* kFileName = "libkinora_worker.so";

Result<const WorkerModule*> open() {
    const char* advice = "Install Kinora again, or build the target kinora_worker.";
    Dl_info info{};
    std::filesystem::path folder; // of libkinora.so, where this function lies
    if (::dladdr(reinterpret_cast<const void*>(&makeWorkerEngine), &info) != 0)
        folder = std::filesystem::path(info.dli_fname).parent_path();
    const std::filesystem::path path = folder / kFileName;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
        return Error(ErrorCode::NotFound,
                     "The library for worker processes is missing: " + path.string() + ".", advice);
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return Error(ErrorCode::Unsupported,
                     std::string("The library for worker processes cannot be opened: ") +
                         ::dlerror() + ".",
                     advice);
    const auto entry = reinterpret_cast<WorkerEntryPoint>(::dlsym(library, kWorkerEntryPoint));
    if (!entry)
        return Error(ErrorCode::Unsupported,
                     "The library for worker processes is of another version: " + path.string() +
                         ".",
                     advice);
    return entry();
}

const Result<const WorkerModule*>& workerModule() {
    static const Result<const WorkerModule*> opened = open();
    return opened;
}

} // namespace

Result<std::unique_ptr<Engine>> makeWorkerEngine(const WorkerEngineOptions& options) {
    if (!workerModule()) return workerModule().error();
    return (*workerModule())->makeEngine(options);
}

Result<void> runWorker(const WorkerStart& start, const kernels::BackendRegistry& backends,
                       const ModelLibrary& library) {
    if (!workerModule()) return workerModule().error();
    return (*workerModule())->runWorker(start, backends, library);
}

} // namespace kinora::core
