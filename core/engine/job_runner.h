#pragma once
// Runs one job at a time: finds the model, plans, loads, computes, and reports events. What an
// engine in the process and a worker process have in common.

#include "core/engine/checkpoint_store.h"
#include "core/engine/companions.h"
#include "core/engine/engine.h"
#include "core/engine/input_pictures.h"
#include "core/engine/job_checkpoint.h"
#include "core/engine/job_reporter.h"
#include "core/engine/measured_work.h"
#include "core/engine/passes/pass_walk.h"
#include "core/engine/speed_cache.h"
#include "core/engine/warm_models.h"
#include "core/library/model_library.h"
#include "kernels/backend/registry.h"
#include "kernels/base/cancel_token.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/image/text_to_image.h"

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace kinora::core {

// How a job is told to end early. Any thread may raise either token.
struct JobControl {
    CancelToken cancel; // the job ends within a second, with CancelledEvent
    // It ends after the step that runs, or with `cancel` as soon as that says, and its checkpoint
    // is kept: the job goes on another time. Without it a cancelled job's checkpoint is cleared.
    CancelToken leave;
    std::atomic<bool> stopAfterThis = false; // the batch that runs is the last one
};

class JobRunner {
  public:
    struct Options {
        int threads = 0;
        std::string version;
        std::filesystem::path dataFolder;
        size_t memoryLimitBytes = 0;
    };
    JobRunner(const kernels::BackendRegistry& backends, const ModelLibrary& library,
              Options options);
    ~JobRunner();

    // Sends every event of the job, the last one included; throws nothing. One thread. store: the
    // job goes on from what it has, keeps there how far it is, and clears it at the end; after a
    // failure it is left, for the job to be tried again. May be null.
    void run(const pipelines::ImageRequest& request, const EngineSink& sink,
             const JobControl& control, CheckpointStore* store);

    // Any thread, beside run().
    Result<pipelines::Plan> plan(const pipelines::ImageRequest& request);

  private:
    struct Model { // that a pass runs
        ModelEntry entry;
        pipelines::Model model;
        std::filesystem::file_time_type changed; // the youngest of its files
    };
    struct Prepared {              // a request that can run
        std::vector<Model> models; // the request's own, then its refiner
        pipelines::ImageRequest request;
        kernels::DType compute = kernels::DType::F32;
        JobPasses passes;
        pipelines::Plan plan;         // of all of them
        pipelines::DeviceSpeed speed; // that they were planned with
        std::vector<std::optional<pipelines::PreviewChoice>> tinyPreviews; // for each model
        std::vector<std::filesystem::path> companions; // LoRAs ..., as the metadata list them
        std::vector<std::filesystem::path> pictures;   // beside the prompt
    };
    struct Planner {
        std::filesystem::path path;
        std::string additions;
        std::filesystem::file_time_type changed;
        kernels::DType compute;
        std::unique_ptr<pipelines::TextToImagePlanner> planner;
    };

    Prepared prepare(const pipelines::ImageRequest& asked);
    // Its files' headers. Throws Error{NotFound, BadFile}.
    Model openNamed(const std::string& name) const;
    kernels::DType precisionOf(const pipelines::ImageRequest& request) const;
    // Takes m_planMutex.
    void planPassesOf(Prepared& prepared, const Companions& companions,
                      const InputPictures& pictures);
    // Under m_planMutex.
    pipelines::TextToImagePlanner& plannerOf(std::unique_ptr<Planner>& kept,
                                             const pipelines::Model& model,
                                             std::filesystem::file_time_type changed,
                                             kernels::DType compute);
    pipelines::Machine machine(kernels::DType compute);
    void makeRoomFor(const pipelines::Plan& plan, const WarmModels::Model* warm);
    void refuseWhatDoesNotFit(const Prepared& prepared) const;
    pipelines::TextToImage& load(const Prepared& prepared, const Pass& pass, const EngineSink& sink,
                                 const CancelToken& cancel);
    struct Reports { // of a job, as it comes along
        JobCheckpoint& checkpoint;
        JobReporter& reporter;
        MeasuredWork& measured;
    };
    // Borrows all of it.
    PassHooks hooksFor(const Prepared& prepared, const EngineSink& sink, const JobControl& control,
                       const Reports& reports);
    std::string speedKey(const kernels::DeviceDescription& device) const;
    void learn(const MeasuredWork& measured, kernels::DType compute);
    FinishedEvent compute(const Prepared& prepared, const EngineSink& sink,
                          const JobControl& control, JobCheckpoint& checkpoint);

    const kernels::BackendRegistry& m_backends;
    const ModelLibrary& m_library;
    Options m_options;
    size_t m_startBytes;   // resident before any model
    size_t m_programBytes; // these, and what a run touches besides its tensors

    WarmModels m_warm; // run()'s thread only, but for its bytes()

    std::atomic<bool> m_computing = false; // run() is past its own planning

    // Guards the two below. Held while a speed is measured: a job that begins waits for that.
    std::mutex m_planMutex;
    SpeedCache m_speeds;
    // Of the last model that was planned, and of the last refiner.
    std::array<std::unique_ptr<Planner>, 2> m_planners;
};

} // namespace kinora::core
