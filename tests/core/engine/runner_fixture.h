#pragma once
// A JobRunner in this process, on the models of the source tree, and the events of one job.

#include "core/engine/job_runner.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "tests/support/memory_checkpoint.h"

#include <QTemporaryDir>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

inline const std::filesystem::path kModels =
    std::filesystem::path(KINORA_SOURCE_DIR) / "resources/models";
inline const std::filesystem::path kGolden =
    std::filesystem::path(KINORA_SOURCE_DIR) / "tests/golden/data";

struct RunnerJob {
    std::vector<EngineEvent> events;
    JobControl control;

    template <typename T> std::vector<T> all() const {
        std::vector<T> found;
        for (const EngineEvent& event : events)
            if (const T* one = std::get_if<T>(&event)) found.push_back(*one);
        return found;
    }
    // Pixels and provenance of each picture.
    using Pictures = std::map<int64_t, std::pair<std::vector<float>, std::string>>;
    Pictures pictures() const {
        Pictures found;
        for (const PictureEvent& picture : all<PictureEvent>())
            found[picture.picture] = {picture.image.pixels, toJson(picture.provenance).dump()};
        return found;
    }
    std::string failure() const {
        const auto failed = all<FailedEvent>();
        return failed.empty() ? std::string() : failed.front().error.what();
    }
};

class RunnerFixture {
  public:
    RunnerFixture() {
        static const kernels::BackendTable plan = kernels::cpuPlanBackend(kernels::metaBackend());
        m_backends.add(kernels::cpuBackend());
        m_backends.add(plan);
        m_library =
            std::make_unique<ModelLibrary>(ModelLibrary::Options{{kModels}, folder().string()});
    }

    std::filesystem::path folder() const { return m_folder.path().toStdString(); }
    const kernels::BackendRegistry& backends() const { return m_backends; }
    const ModelLibrary& library() const { return *m_library; }

    std::unique_ptr<JobRunner> runner(int threads = 2) const {
        return std::make_unique<JobRunner>(
            m_backends, *m_library,
            JobRunner::Options{threads, "kinora test", folder().string(), 0});
    }
    // also: called with each event after it was collected.
    static void run(JobRunner& runner, RunnerJob& job, CheckpointStore* store,
                    const pipelines::ImageRequest& request,
                    const std::function<void(const EngineEvent&)>& also = {}) {
        runner.run(
            request,
            [&](const EngineEvent& event) {
                job.events.push_back(event);
                if (also) also(event);
            },
            job.control, store);
    }

  private:
    QTemporaryDir m_folder;
    kernels::BackendRegistry m_backends;
    std::unique_ptr<ModelLibrary> m_library;
};

} // namespace kinora::core
