#pragma once
// Runs one job at a time: finds the model, plans, loads, computes, and reports events. What an
// engine in the process and a worker process have in common.

#include "core/engine/checkpoint_store.h"
#include "core/engine/companions.h"
#include "core/engine/engine.h"
#include "core/engine/job_checkpoint.h"
#include "core/engine/speed_cache.h"
#include "core/engine/warm_models.h"
#include "core/library/model_library.h"
#include "kernels/backend/registry.h"
#include "kernels/base/cancel_token.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/image/run_inputs.h"
#include "pipelines/image/text_to_image.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
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
    struct Prepared { // a request that can run
        ModelEntry entry;
        pipelines::Model model;
        std::filesystem::file_time_type changed; // the youngest of its files
        pipelines::ImageRequest request;
        pipelines::RunInputs inputs; // of its size
        kernels::DType compute;
        pipelines::Plan plan;
        std::vector<std::filesystem::path> companions; // LoRAs ..., as the metadata list them
        std::vector<std::filesystem::path> pictures;   // beside the prompt
        pipelines::RunInputs secondInputs = {};        // of a second pass's size
        std::unique_ptr<Prepared> refiner = {};        // the model that goes on, where there is one

        bool inPasses() const { return refiner || request.hires; }
    };
    struct Planner {
        std::filesystem::path path;
        std::string additions;
        std::filesystem::file_time_type changed;
        kernels::DType compute;
        std::unique_ptr<pipelines::TextToImagePlanner> planner;
    };
    class Reporter;

    Prepared prepare(const pipelines::ImageRequest& request);
    // Under m_planMutex. Throws Error{BadFile} where its latents are of another kind.
    std::unique_ptr<Prepared> prepareRefiner(const Prepared& base, const Companions& companions);
    // Of the youngest of its files. Throws Error{Io} where one went meanwhile.
    static std::filesystem::file_time_type lastChange(const pipelines::Model& model);
    pipelines::TextToImagePlanner& plannerOf(std::unique_ptr<Planner>& kept,
                                             const pipelines::Model& model,
                                             std::filesystem::file_time_type changed,
                                             kernels::DType compute);
    // All batches with the one model, then all with the other: of the two one at a time has to be
    // in memory.
    void runWithRefiner(const Prepared& prepared, pipelines::TextToImage& base,
                        const EngineSink& sink, const pipelines::TextToImageEvents& events,
                        const CancelToken& cancel);
    // Picture by picture: made, enlarged, and made again from that.
    static void runSecondPass(const Prepared& prepared, pipelines::TextToImage& pipeline,
                              const pipelines::TextToImageEvents& events);
    pipelines::Machine machine(kernels::DType compute);
    void makeRoomFor(const Prepared& prepared, const WarmModels::Model* warm);
    void refuseWhatDoesNotFit(const Prepared& prepared) const;
    pipelines::TextToImage& load(const Prepared& prepared, const EngineSink& sink,
                                 const CancelToken& cancel);
    Provenance provenanceOf(const Prepared& prepared, const CancelToken& cancel) const;
    static RunIdentity identityOf(const Prepared& prepared, const Provenance& provenance);
    FinishedEvent compute(Prepared& prepared, const EngineSink& sink, const JobControl& control,
                          JobCheckpoint& checkpoint);

    const kernels::BackendRegistry& m_backends;
    const ModelLibrary& m_library;
    Options m_options;
    size_t m_startBytes;   // resident before any model
    size_t m_programBytes; // these, and what a run touches besides its tensors

    WarmModels m_warm; // run()'s thread only, but for its bytes()

    std::atomic<bool> m_computing = false; // run() is past its own planning

    // Guards the three below. Held while a speed is measured: a job that begins waits for that.
    std::mutex m_planMutex;
    SpeedCache m_speeds;
    std::unique_ptr<Planner> m_planner; // of the last model that was planned
    std::unique_ptr<Planner> m_refinerPlanner;
};

} // namespace kinora::core
