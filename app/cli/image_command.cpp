// kinora image: pictures from a prompt, to files.

#include "app/cli/command.h"
#include "app/cli/event_json.h"
#include "app/cli/exit_code.h"
#include "app/cli/image_request_arguments.h"
#include "app/cli/output_names.h"
#include "app/cli/run_job.h"
#include "core/devices/device_list.h"
#include "core/engine/process_memory.h"
#include "core/library/prompt_vocabulary.h"
#include "core/media/image_file.h"
#include "core/media/old_temporaries.h"
#include "kernels/base/disk_space.h"
#include "kernels/base/elapsed_time.h"

#include <QRandomGenerator>
#include <nlohmann/json.hpp>

#include <chrono>
#include <unistd.h>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

class ImageCommand {
  public:
    explicit ImageCommand(const CommandContext& context)
        : m_context(context), m_console(context.console), m_start(Clock::now()) {}

    int run() {
        prepare();
        tellHints();
        if (m_context.arguments.has("dry-run")) return dryRun();
        core::preloadImageCodecs();
        const JobOutcome outcome =
            runJob(m_context.program.engine, m_request, m_context.interrupts,
                   [this](const core::EngineEvent& event) { return handle(event); });
        m_console.endProgress();
        removePreview();
        core::removeOldTemporaries(m_names.paths.front().parent_path());
        if (outcome.end == JobEnd::Failed) throw *outcome.error;
        if (outcome.end == JobEnd::Cancelled) return cancelled();
        return kExitDone;
    }

  private:
    // Everything that can be refused without computing.
    void prepare() {
        m_request = imageRequestFromArguments(m_context.arguments, STDIN_FILENO);
        m_model = orThrow(m_context.program.library.find(m_request.model));
        if (!m_model.problem.empty())
            throw Error(ErrorCode::BadFile,
                        "The model " + m_model.name + " cannot be used: " + m_model.problem,
                        "kinora models lists those that can.");
        // Drawn here, because files are named by it.
        m_seedWasDrawn = !m_request.seed;
        if (m_seedWasDrawn) m_request.seed = QRandomGenerator::system()->generate();
        OutputRequest output;
        output.output = m_context.arguments.value("output");
        output.format = m_context.arguments.value("format");
        output.overwrite = overwrite();
        output.defaultFolder = m_context.program.outputFolder;
        output.prompt = m_request.prompt;
        output.model = m_model.name;
        output.seed = *m_request.seed;
        output.count = m_request.count;
        m_names = planOutputs(output);
        if (!m_request.saveLatentsPath.empty())
            checkOutputFile(m_request.saveLatentsPath, overwrite());
        if (m_request.previewEvery > 0)
            preparePreview();
        else if (m_request.preview != pipelines::ImageRequest{}.preview)
            m_console.remark("--preview does not count without --preview-every.");
    }

    void preparePreview() {
        const fs::path& first = m_names.paths.front();
        m_preview = first.parent_path() / (first.stem().string() + ".preview.png");
        std::error_code ignored;
        if (fs::exists(fs::symlink_status(m_preview, ignored)))
            throw Error(ErrorCode::InvalidArgument, m_preview.string() + " is there already.",
                        "Previews go there: move it away, or leave out --preview-every.");
    }

    // What the model does not know is said; the prompt stays as it is.
    void tellHints() {
        const auto vocabulary = core::PromptVocabulary::load(m_model.path);
        QStringList hints;
        if (!vocabulary)
            hints << QString::fromStdString(vocabulary.error().what());
        else if (!vocabulary->empty())
            hints = core::PromptVocabulary::hints(
                vocabulary->read(QString::fromStdString(m_request.prompt)),
                QString::fromStdString(m_model.title.empty() ? m_model.name : m_model.title));
        for (const QString& hint : hints) {
            m_console.event({{"event", "hint"}, {"message", hint.toStdString()}});
            m_console.remark(hint.toStdString());
        }
    }

    bool overwrite() const { return m_context.arguments.has("overwrite"); }

    int dryRun() {
        const pipelines::Plan plan = orThrow(m_context.program.engine.plan(m_request));
        tellWarnings(plan);
        m_console.event(planJson(plan));
        m_console.data("Model      " + m_model.title + " (" + m_model.name + ")\n" +
                       planText(plan));
        if (!plan.fits) throw doesNotFit(plan);
        return kExitDone;
    }

    void tellWarnings(const pipelines::Plan& plan) {
        for (const std::string& warning : plan.warnings) m_console.remark(warning);
    }

    // Whether it never can, or others hold the memory now.
    Error doesNotFit(const pipelines::Plan& plan) const {
        uint64_t most = 0;
        for (const core::DeviceInfo& device :
             core::listDevices(*m_context.program.backEndRegistry, m_context.program.threads))
            if (device.device == plan.device) most = device.memoryBytes;
        if (plan.peakBytes > most)
            return Error(ErrorCode::DoesNotFit, "This run does not fit this machine.", plan.advice);
        return Error(ErrorCode::Busy, "There is not enough free memory for this run at the moment.",
                     plan.advice);
    }

    Result<void> handle(const core::EngineEvent& event) {
        if (const auto* planned = std::get_if<core::PlannedEvent>(&event)) return handle(*planned);
        if (const auto* loading = std::get_if<core::LoadingEvent>(&event)) return handle(*loading);
        if (const auto* step = std::get_if<core::StepEvent>(&event)) return handle(*step);
        if (const auto* preview = std::get_if<core::PreviewEvent>(&event)) return handle(*preview);
        if (const auto* picture = std::get_if<core::PictureEvent>(&event)) return handle(*picture);
        return {};
    }

    Result<void> handle(const core::PlannedEvent& planned) {
        tellWarnings(planned.plan);
        m_console.event(planJson(planned.plan));
        m_console.detail(planText(planned.plan));
        return {};
    }

    Result<void> handle(const core::LoadingEvent& loading) {
        // Every tensor is told; a line for each would be thousands.
        constexpr double kBetween = 0.05;
        if (loading.component == m_loadingTold && loading.fraction < m_fractionTold + kBetween)
            return {};
        m_loadingTold = loading.component;
        m_fractionTold = loading.fraction;
        m_console.event(loadingJson(loading));
        m_console.progress(
            {.label = "Loading the " + loading.component, .fraction = loading.fraction});
        return {};
    }

    Result<void> handle(const core::StepEvent& step) {
        tellModel();
        m_console.event(stepJson(step));
        m_console.progress({.label = "Step",
                            .fraction = step.fraction(),
                            .step = step.step,
                            .steps = step.steps,
                            .picture = step.picture + 1,
                            .pictures = step.pictures,
                            .secondsPerStep = step.secondsPerStep,
                            .secondsLeft = step.secondsLeft});
        return {};
    }

    Result<void> handle(const core::PreviewEvent& preview) {
        core::SaveOptions options;
        options.overwrite = core::Overwrite::Yes; // the preview before it; a stranger was refused
        if (auto made = makeFolders(); !made) return made;
        if (auto saved = core::saveImage(preview.image, m_preview, options); !saved) return saved;
        m_console.event({{"event", "preview"}, {"file", m_preview.string()}});
        return {};
    }

    Result<void> handle(const core::PictureEvent& picture) {
        const fs::path& path = m_names.paths.at(static_cast<size_t>(picture.picture));
        core::SaveOptions options;
        options.format = m_names.format;
        options.overwrite = overwrite() ? core::Overwrite::Yes : core::Overwrite::No;
        if (!m_context.arguments.has("no-metadata")) options.provenance = picture.provenance;
        if (auto made = makeFolders(); !made) return made;
        if (auto saved = core::saveImage(picture.image, path, options); !saved) return saved;
        if (m_console.json())
            m_console.event(resultJson(picture, {.file = path,
                                                 .sha256 = storedHash(picture.image, path),
                                                 .seconds = secondsSince(m_start),
                                                 .peakBytes = core::peakResidentBytes()}));
        m_console.data(path.string());
        const std::string made = "Seed " +
                                 std::to_string(picture.provenance.request.seed.value_or(0)) +
                                 ", " + durationText(secondsSince(m_start));
        if (m_seedWasDrawn)
            m_console.remark(made);
        else
            m_console.detail(made);
        return {};
    }

    // Once, when its weights are there.
    void tellModel() {
        if (m_modelTold || !m_console.json()) return;
        m_modelTold = true;
        const Result<std::string> hash = m_context.program.library.hash(m_model);
        m_console.event({{"event", "model"},
                         {"name", m_model.name},
                         {"hash", hash ? *hash : std::string()},
                         {"seconds", secondsSince(m_start)}});
    }

    Result<void> makeFolders() {
        for (const fs::path& folder : m_names.folders) {
            std::error_code error;
            if (!folder.empty()) fs::create_directories(folder, error);
            if (error)
                return Error(isDiskFull(error.value()) ? ErrorCode::DiskFull : ErrorCode::Io,
                             folder.string() + ": the folder cannot be made: " + error.message(),
                             "Give another --output.");
        }
        m_names.folders.clear();
        return {};
    }

    void removePreview() const {
        std::error_code ignored;
        if (!m_preview.empty()) fs::remove(m_preview, ignored);
    }

    int cancelled() {
        m_console.event({{"event", "cancelled"}});
        m_console.remark("Cancelled.");
        return kExitInterrupted;
    }

    const CommandContext& m_context;
    Console& m_console;
    Clock::time_point m_start;
    pipelines::ImageRequest m_request;
    core::ModelEntry m_model;
    bool m_seedWasDrawn = false;
    OutputNames m_names;
    fs::path m_preview; // empty: none are asked for
    std::string m_loadingTold;
    double m_fractionTold = 0;
    bool m_modelTold = false;
};

} // namespace

int runImageCommand(const CommandContext& context) {
    return ImageCommand(context).run();
}

} // namespace kinora::app
