#pragma once
// The real engine in this process, on the models of the source tree.

#include "core/engine/in_process_engine.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"

#include <QTemporaryDir>

#include <filesystem>
#include <memory>
#include <string>

namespace kinora::core {

inline const kernels::BackendTable& planBackend() { // as the program registers it
    static const kernels::BackendTable table = kernels::cpuPlanBackend(kernels::metaBackend());
    return table;
}

inline pipelines::ImageRequest redApple() {
    pipelines::ImageRequest request;
    request.prompt = "3d emoji of a red apple";
    request.seed = 1;
    request.steps = 4;
    return request;
}

class EngineFixture {
  public:
    EngineFixture() {
        m_backends.add(kernels::cpuBackend());
        m_backends.add(planBackend());
        m_library =
            std::make_unique<ModelLibrary>(ModelLibrary::Options{{models()}, folder().string()});
    }

    static std::filesystem::path models() { return KINORA_SOURCE_DIR "/resources/models"; }

    // An engine of its own, as each start of the program has.
    std::unique_ptr<InProcessEngine> newEngine(const char* version = "kinora test") const {
        return std::make_unique<InProcessEngine>(
            m_backends, *m_library,
            InProcessEngine::Options{
                .threads = 2, .version = version, .dataFolder = folder().string()});
    }

    std::filesystem::path folder() const { return m_folder.path().toStdString(); }
    const kernels::BackendRegistry& backends() const { return m_backends; }
    const ModelLibrary& library() const { return *m_library; }

  private:
    QTemporaryDir m_folder;
    kernels::BackendRegistry m_backends;
    std::unique_ptr<ModelLibrary> m_library;
};

} // namespace kinora::core
