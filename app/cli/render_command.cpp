// kinora render: the pictures of a project that are not there yet.

#include "app/cli/command.h"
#include "app/cli/event_json.h"
#include "app/cli/exit_code.h"
#include "app/cli/project_arguments.h"
#include "core/devices/sleep_inhibitor.h"
#include "core/media/image_file.h"
#include "core/project/project_renderer.h"
#include "core/project/render_estimate.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

std::string count(int64_t number, const char* one, const char* many) {
    return std::to_string(number) + " " + (number == 1 ? one : many);
}

class RenderCommand {
  public:
    explicit RenderCommand(const CommandContext& context)
        : m_context(context), m_console(context.console), m_arguments(context.arguments),
          m_paths(core::projectPaths(projectPathFrom(m_arguments.positional.at(0)))),
          m_project(orThrow(core::ProjectDocument::load(m_paths.project))) {}

    int run() {
        prepare();
        m_context.interrupts.setHandler([token = m_cancel]() mutable { token.cancel(); });
        const core::RenderWork work{m_project, m_paths, m_context.program.engine,
                                    m_context.program.library};
        try {
            const auto estimate = orThrow(core::estimateRender(work, m_options, m_cancel));
            tellEstimate(estimate);
            if (m_arguments.has("dry-run")) return kExitDone;
            if (!estimate.kinds.empty()) core::preloadImageCodecs();
        } catch (const Cancelled&) {
            return cancelled();
        }
        const core::SleepInhibitor awake("Pictures are being made");
        const core::RenderSummary summary = core::renderProject(
            work, m_options, m_cancel, [this](const core::RenderEvent& event) { handle(event); });
        m_console.endProgress();
        m_context.interrupts.setHandler({});
        return end(summary);
    }

  private:
    void prepare() {
        if (!m_project.readOnlyReason().empty())
            throw Error(ErrorCode::Unsupported,
                        m_paths.project.string() + ": " + m_project.readOnlyReason(),
                        "Update Kinora to render it.");
        for (const std::string& warning : m_project.warnings()) m_console.warning(warning);
        m_options.out = m_arguments.value("out").value_or(m_paths.results.string());
        m_options.overwrite = m_arguments.has("overwrite");
        m_options.overrides = assignmentsFrom(m_arguments.values("set"));
        chooseTasks();
    }

    void chooseTasks() {
        int64_t first = 0, last = m_project.taskCount() - 1;
        if (last < 0)
            throw Error(ErrorCode::InvalidArgument, m_paths.project.string() + " has no tasks.",
                        "Put some into it: kinora project add " + m_paths.project.string() +
                            " table.csv");
        if (const auto range = m_arguments.value("task"))
            std::tie(first, last) = taskRangeFrom(*range, m_project.taskCount());
        const auto only = m_arguments.value("only");
        bool found = false;
        std::vector<std::string> names;
        for (const core::ProjectBatch& batch : m_project.batches()) {
            names.push_back(batch.name);
            if (only && batch.name != *only) continue;
            found = true;
            for (int64_t task = std::max(first, batch.firstTask);
                 task <= std::min(last, batch.firstTask + batch.tasks - 1); ++task)
                m_options.tasks.push_back(task);
        }
        if (!only || found) return;
        const std::string near = nearest(*only, names);
        throw Error(ErrorCode::InvalidArgument, "--only: there is no batch '" + *only + "'.",
                    near.empty() ? "kinora info " + m_paths.project.string() + " lists them."
                                 : "Did you mean '" + near + "'?");
    }

    void tellEstimate(const core::RenderEstimate& estimate) {
        ordered_json kinds = ordered_json::array();
        std::string kindsText;
        for (const core::RenderKind& kind : estimate.kinds) {
            const pipelines::Plan& plan = kind.plan;
            const std::string size =
                std::to_string(plan.width) + " x " + std::to_string(plan.height);
            kinds.push_back({{"tasks", kind.tasks},
                             {"firstTask", kind.firstTask},
                             {"model", kind.model},
                             {"width", plan.width},
                             {"height", plan.height},
                             {"steps", plan.steps},
                             {"predictedSeconds", kind.seconds},
                             {"predictedPeakBytes", plan.peakBytes},
                             {"fits", plan.fits}});
            kindsText += "           " + count(kind.tasks, "picture", "pictures") + " of " + size +
                         ", " + std::to_string(plan.steps) + " steps, " + kind.model + ": " +
                         durationText(kind.seconds) + "\n";
            for (const std::string& warning : plan.warnings) m_console.warning(warning);
            if (!plan.fits)
                m_console.warning("Task " + std::to_string(kind.firstTask) +
                                  " and those like it "
                                  "do not fit the memory that is free. " +
                                  plan.advice);
        }
        m_console.event({{"event", "estimate"},
                         {"tasks", estimate.tasks},
                         {"present", estimate.present},
                         {"predictedSeconds", estimate.seconds},
                         {"predictedBytes", estimate.diskBytes},
                         {"freeBytes", estimate.freeBytes},
                         {"predictedWattHours", estimate.wattHours},
                         {"watts", estimate.watts},
                         {"wattsFrom", estimate.wattsFrom},
                         {"out", m_options.out.string()},
                         {"kinds", std::move(kinds)},
                         {"impossible", estimate.impossible}});
        tellProblems(estimate);
        const std::string text =
            "Tasks      " + std::to_string(estimate.tasks) + ", " +
            std::to_string(estimate.present) + " of them there already\n" + kindsText +
            "Time       " + durationText(estimate.seconds) + ", as the plans say\n" +
            "Disk       " + sizeText(estimate.diskBytes) + " in " + m_options.out.string() + ", " +
            sizeText(estimate.freeBytes) + " free\n" + "Energy     " + energyText(estimate) + "\n";
        if (m_arguments.has("dry-run"))
            m_console.data(text);
        else
            m_console.detail(text);
        if (estimate.diskBytes > estimate.freeBytes && estimate.freeBytes > 0)
            m_console.warning("The disk of " + m_options.out.string() +
                              " may not have room for all of them.");
    }

    // Without --dry-run each is told when its turn comes.
    void tellProblems(const core::RenderEstimate& estimate) {
        if (!m_arguments.has("dry-run") || estimate.impossible == 0) return;
        for (const auto& [task, error] : estimate.problems)
            m_console.warning(error.message() + " " + error.advice());
        m_console.warning(count(estimate.impossible, "task", "tasks") + " cannot be made.");
    }

    static std::string energyText(const core::RenderEstimate& estimate) {
        const auto tenths = static_cast<int64_t>(estimate.wattHours * 10 + 0.5);
        return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " Wh at " +
               std::to_string(static_cast<int64_t>(estimate.watts + 0.5)) + " W (" +
               estimate.wattsFrom + ")";
    }

    void handle(const core::RenderEvent& event) {
        std::visit([&](const auto& what) { tell(event, what); }, event.what);
    }

    ordered_json taskJson(const core::RenderEvent& event, const char* state) const {
        return {{"event", "task"},
                {"task", event.task},
                {"state", state},
                {"done", event.progress.done},
                {"of", event.progress.tasks}};
    }

    void tell(const core::RenderEvent& event, const core::RenderPresent& present) {
        ordered_json json = taskJson(event, "present");
        json["file"] = present.file.string();
        m_console.event(json);
        m_console.detail(present.file.string() +
                         (present.byAnother ? ": made by another process." : ": is there."));
        showProgress(event, "There already");
    }

    void tell(const core::RenderEvent& event, const core::RenderStarted& started) {
        ordered_json json = taskJson(event, "started");
        json["file"] = started.file.string();
        m_console.event(json);
        if (started.takenOver)
            m_console.remark("Task " + std::to_string(event.task) +
                             " is taken over from a process that is gone.");
    }

    void tell(const core::RenderEvent& event, const core::RenderElsewhere& elsewhere) {
        ordered_json json = taskJson(event, "elsewhere");
        json["holder"] = elsewhere.holder;
        m_console.event(json);
        m_console.detail("Task " + std::to_string(event.task) + " is made by " +
                         printable(elsewhere.holder) + ".");
    }

    void tell(const core::RenderEvent& event, const core::EngineEvent& engine) {
        if (const auto* step = std::get_if<core::StepEvent>(&engine)) {
            ordered_json json = stepJson(*step);
            json["task"] = event.task;
            m_console.event(json);
            showProgress(event, *step);
        } else if (const auto* resumed = std::get_if<core::ResumedEvent>(&engine)) {
            m_console.remark("Task " + std::to_string(event.task) + " " + resumedText(*resumed));
        } else if (const auto* loading = std::get_if<core::LoadingEvent>(&engine)) {
            m_console.progress({.label = "Loading the " + loading->component,
                                .fraction = event.progress.fraction});
        }
    }

    void tell(const core::RenderEvent& event, const core::RenderMade& made) {
        if (m_console.json()) {
            ordered_json json =
                resultJson(made.picture, {.file = made.file,
                                          .sha256 = storedHash(made.picture.image, made.file),
                                          .seconds = made.seconds,
                                          .peakBytes = made.peakBytes.value_or(0)});
            if (!made.peakBytes) json.erase("peakBytes");
            json["task"] = event.task;
            m_console.event(json);
        }
        m_console.data(made.file.string());
        showProgress(event, "Done");
    }

    void tell(const core::RenderEvent& event, const core::RenderFailed& failed) {
        ordered_json json = taskJson(event, "failed");
        json["code"] = std::string(errorCodeName(failed.error.code()));
        json["message"] = failed.error.message();
        m_console.event(json);
        m_console.complaint("Task " + std::to_string(event.task) + " was not made: " +
                            failed.error.message() + " " + failed.error.advice());
    }

    void tell(const core::RenderEvent& event, const core::RenderSheet& sheet) {
        ordered_json json = taskJson(event, "sheet");
        json["file"] = sheet.file.string();
        m_console.event(json);
        m_console.data(sheet.file.string());
    }

    void showProgress(const core::RenderEvent& event, const core::StepEvent& step) {
        m_console.progress({.label = "Step",
                            .fraction = event.progress.fraction,
                            .step = step.step,
                            .steps = step.steps,
                            .picture = std::min(event.progress.done + 1, event.progress.tasks),
                            .pictures = event.progress.tasks,
                            .secondsPerStep = step.secondsPerStep,
                            .secondsLeft = event.progress.secondsLeft});
    }

    void showProgress(const core::RenderEvent& event, const char* label) {
        m_console.progress({.label = label,
                            .fraction = event.progress.fraction,
                            .picture = event.progress.done,
                            .pictures = event.progress.tasks,
                            .secondsLeft = event.progress.secondsLeft});
    }

    int cancelled() {
        m_console.event({{"event", "cancelled"}});
        m_console.remark("Cancelled. The same command goes on.");
        return kExitInterrupted;
    }

    int end(const core::RenderSummary& summary) {
        if (summary.historyProblem)
            m_console.warning("Results are not noted in the project's history: " +
                              summary.historyProblem->message());
        if (summary.sheetProblem)
            m_console.warning("A contact sheet was not made: " + summary.sheetProblem->message());
        if (summary.stoppedBy)
            throw Error(summary.stoppedBy->code(), summary.stoppedBy->message(),
                        summary.stoppedBy->advice() + " The same command then goes on.");
        if (summary.cancelled) return cancelled();
        ordered_json failures = ordered_json::array();
        for (const auto& [task, error] : summary.failures)
            failures.push_back({{"task", task},
                                {"code", std::string(errorCodeName(error.code()))},
                                {"message", error.message()}});
        m_console.event({{"event", "render"},
                         {"tasks", static_cast<int64_t>(m_options.tasks.size())},
                         {"made", summary.made},
                         {"present", summary.present},
                         {"failed", summary.failed},
                         {"seconds", summary.seconds},
                         {"failures", std::move(failures)}});
        m_console.remark(count(summary.made, "picture", "pictures") + " made, " +
                         std::to_string(summary.present) + " there already" +
                         (summary.failed > 0 ? ", " + std::to_string(summary.failed) + " failed"
                                             : std::string()) +
                         ", in " + durationText(summary.seconds) + ".");
        return exitCode(summary);
    }

    // Where all trouble is passing, the same command later may end well.
    static int exitCode(const core::RenderSummary& summary) {
        if (summary.failed == 0) return kExitDone;
        const bool passing = std::ranges::all_of(summary.failureCodes, [](ErrorCode code) {
            return exitCodeFor(code) == kExitTryAgain;
        });
        return passing ? kExitTryAgain : kExitFailed;
    }

    const CommandContext& m_context;
    Console& m_console;
    const Arguments& m_arguments;
    core::ProjectPaths m_paths;
    core::ProjectDocument m_project;
    core::RenderOptions m_options;
    CancelToken m_cancel;
};

} // namespace

int runRenderCommand(const CommandContext& context) {
    return RenderCommand(context).run();
}

} // namespace kinora::app
