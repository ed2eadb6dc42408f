#include "core/project/project_renderer.h"

#include "core/engine/no_worker_left.h"
#include "core/library/file_hash.h"
#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "core/media/old_temporaries.h"
#include "core/media/sha256.h"
#include "core/project/grid_sheets.h"
#include "core/project/sheet_writer.h"
#include "core/project/task_preparer.h"
#include "kernels/base/elapsed_time.h"

#include <QDateTime>
#include <QSysInfo>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWorkFolder = ".kinora-render"; // leases and checkpoints, in the results
constexpr auto kLookAtCancel = std::chrono::milliseconds(100);
constexpr auto kLookAgain = std::chrono::milliseconds(1000); // at what others work on
constexpr size_t kKeptFailures = 100;

// From the engine's threads to the renderer's.
class Inbox {
  public:
    void put(int64_t task, EngineEvent event) {
        const std::lock_guard lock(m_mutex);
        m_events.emplace_back(task, std::move(event));
        m_filled.notify_one();
    }
    std::optional<std::pair<int64_t, EngineEvent>> take(std::chrono::milliseconds atMost) {
        std::unique_lock lock(m_mutex);
        if (!m_filled.wait_for(lock, atMost, [this] { return !m_events.empty(); }))
            return std::nullopt;
        auto event = std::move(m_events.front());
        m_events.pop_front();
        return event;
    }

  private:
    std::mutex m_mutex;
    std::condition_variable m_filled;
    std::deque<std::pair<int64_t, EngineEvent>> m_events;
};

class Renderer {
  public:
    Renderer(const RenderWork& work, const RenderOptions& options, const CancelToken& cancel,
             const RenderSink& sink)
        : m_work(work), m_options(options), m_cancel(cancel), m_sink(sink),
          m_preparer(work.project, work.paths, work.library, options.overrides),
          m_history(work.paths.history), m_leases(options.out / kWorkFolder, options.leases),
          m_inbox(std::make_shared<Inbox>()),
          m_waiting(options.tasks.begin(), options.tasks.end()) {}

    RenderSummary run() {
        while (!finished()) {
            if (m_cancel.cancelled() || m_summary.stoppedBy)
                stopAll();
            else
                beginMore();
            if (m_running.empty()) continue;
            if (auto event = m_inbox->take(kLookAtCancel)) handle(event->first, event->second);
        }
        if (!m_cancel.cancelled() && !m_summary.stoppedBy) makeSheets();
        m_summary.cancelled = m_cancel.cancelled() && unfinished() > 0;
        m_history.saveIndex();
        clean();
        m_summary.seconds = secondsSince(m_start);
        return std::move(m_summary);
    }

  private:
    struct Running {
        JobId job = 0;
        TaskOutput output;
        Clock::time_point start = Clock::now();
        double fraction = 0;
        bool published = false; // its picture is there, or it failed: only the end is awaited
        std::optional<RenderMade> made; // told at the end, with what the end says
        bool cancelled = false;
        std::optional<Error> error;
    };

    bool finished() const {
        const bool over = m_cancel.cancelled() || m_summary.stoppedBy;
        return m_running.empty() && (over || (m_waiting.empty() && m_elsewhere.empty()));
    }

    int64_t doneCount() const { return m_summary.made + m_summary.present + m_summary.failed; }
    int64_t unfinished() const {
        return static_cast<int64_t>(m_options.tasks.size()) - doneCount();
    }

    void stopAll() {
        for (auto& [task, running] : m_running) {
            if (running.cancelled) continue;
            running.cancelled = true;
            m_work.engine.interrupt(running.job); // it goes on the next time
        }
    }

    void beginMore() {
        while (static_cast<int>(m_running.size()) < m_work.engine.capacity()) {
            if (m_cancel.cancelled() || m_summary.stoppedBy) return;
            if (m_waiting.empty()) {
                if (m_elsewhere.empty() || !m_running.empty()) return;
                waitForOthers();
                if (m_cancel.cancelled()) return;
                m_waiting.swap(m_elsewhere);
                m_history.refresh();
            }
            const int64_t task = m_waiting.front();
            m_waiting.pop_front();
            try {
                begin(task);
            } catch (const Cancelled&) { // while a model was read for its hash
                return;
            }
        }
    }

    void waitForOthers() const {
        const auto until = Clock::now() + kLookAgain;
        while (Clock::now() < until && !m_cancel.cancelled())
            std::this_thread::sleep_for(kLookAtCancel);
    }

    void begin(int64_t task) {
        Result<TaskOutput> output = m_preparer.prepare(task, m_cancel);
        if (!output) return fail(task, output.error());
        const fs::path path = m_options.out / output->name;
        if (settled(task, *output, path, false)) return;
        const Result<LeaseAnswer> lease = m_leases.acquire(output->name);
        if (!lease) return fail(task, lease.error());
        if (!lease->mine) {
            m_elsewhere.push_back(task);
            if (m_told.insert({task, true}).second) tell(task, RenderElsewhere{lease->holder});
            return;
        }
        // Another may have finished it between the two looks.
        if (settled(task, *output, path, true)) return m_leases.release(output->name);
        submit(task, *std::move(output), lease->takenOver);
    }

    // Whether the file of the name decides it: it is valid, or it must not be replaced.
    bool settled(int64_t task, const TaskOutput& output, const fs::path& path, bool isLeased) {
        switch (checkOutput(output, path, m_history)) {
        case OutputState::Missing: return false;
        case OutputState::Valid:
            ++m_summary.present;
            m_files[task] = path;
            removeCheckpoint(output);
            noteFound(task, output, path, isLeased);
            tell(task, RenderPresent{path, m_told.contains(task)});
            return true;
        case OutputState::Other: break;
        }
        if (m_options.overwrite) return false;
        fail(task, Error(ErrorCode::InvalidArgument,
                         path.string() + " is there already, and is another picture or damaged.",
                         "Move it away, give another --out, or --overwrite to replace it."));
        return true;
    }

    // What a lost or damaged history does not tell any more. Whoever makes it now notes it himself:
    // he has the lease until then.
    void noteFound(int64_t task, const TaskOutput& output, const fs::path& path, bool isLeased) {
        if (m_history.result(output.name, output.key)) return;
        if (isLeased) return addFound(task, output, path);
        const Result<LeaseAnswer> lease = m_leases.acquire(output.name);
        if (lease && !lease->mine) return;
        addFound(task, output, path);
        if (lease) m_leases.release(output.name);
    }

    void addFound(int64_t task, const TaskOutput& output, const fs::path& path) {
        FileHashes hashes{fs::path()};
        const Result<std::string> digits = hashes.hash(path);
        const Result<PictureInfo> info = readPictureInfo(path);
        std::error_code error;
        const auto written = fs::last_write_time(path, error);
        if (!digits || !info || !info->provenance || error) return; // it went away meanwhile
        const auto at = std::chrono::file_clock::to_sys(written).time_since_epoch();
        noted(m_history.addFoundResult(
            {.task = task,
             .file = output.name,
             .request = output.key,
             .pixelHash = info->provenance->outputHash,
             .fileHash = sha256Name(*digits),
             .seconds = 0, // nobody knows, nor on which host
             .madeAt = QDateTime::fromSecsSinceEpoch(
                           std::chrono::duration_cast<std::chrono::seconds>(at).count())
                           .toUTC()
                           .toString(Qt::ISODate)
                           .toStdString(),
             .host = {}}));
    }

    void noted(const Result<void>& added) {
        if (!added && !m_summary.historyProblem) m_summary.historyProblem = added.error();
    }

    // Its maker was killed between publishing and tidying up.
    void removeCheckpoint(const TaskOutput& output) const {
        std::error_code ignored;
        fs::remove(checkpointOf(output), ignored);
    }

    void submit(int64_t task, TaskOutput output, bool takenOver) {
        Running& running = m_running[task];
        running.output = std::move(output);
        tell(task, RenderStarted{m_options.out / running.output.name, takenOver});
        running.job = m_work.engine.submit(
            running.output.request,
            [inbox = m_inbox, task](const EngineEvent& event) { inbox->put(task, event); },
            checkpointOf(running.output));
    }

    void handle(int64_t task, const EngineEvent& event) {
        const auto found = m_running.find(task);
        if (found == m_running.end()) return;
        Running& running = found->second;
        if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
            if (running.made) running.made->peakBytes = finished->peakBytes;
            return end(task, running, {});
        }
        if (const auto* failed = std::get_if<FailedEvent>(&event))
            return end(task, running, failed->error);
        if (std::holds_alternative<CancelledEvent>(event)) return end(task, running, {});
        if (const auto* step = std::get_if<StepEvent>(&event)) running.fraction = step->fraction();
        if (const auto* picture = std::get_if<PictureEvent>(&event))
            return publish(task, running, *picture);
        tell(task, event);
    }

    void publish(int64_t task, Running& running, const PictureEvent& picture) {
        const fs::path path = m_options.out / running.output.name;
        SaveOptions save;
        const Result<ImageFormat> format = imageFormatFromPath(path);
        if (format) save.format = *format;
        save.provenance = picture.provenance;
        save.overwrite = m_options.overwrite ? Overwrite::Yes : Overwrite::No;
        running.published = true;
        const Result<void> saved = saveImage(picture.image, path, save);
        if (!saved) {
            // Somebody who took the lease over was faster; the picture is the same.
            if (checkOutput(running.output, path, m_history) == OutputState::Valid) {
                ++m_summary.present;
                m_files[task] = path;
                tell(task, RenderPresent{path, true});
            } else {
                running.error = saved.error();
            }
            return;
        }
        note(task, running, picture, path);
        ++m_summary.made;
        m_files[task] = path;
        running.fraction = 0; // counted as done
        running.made = RenderMade{path, picture, secondsSince(running.start), {}};
    }

    void note(int64_t task, const Running& running, const PictureEvent& picture,
              const fs::path& path) {
        FileHashes hashes{fs::path()};
        const Result<std::string> digits = hashes.hash(path);
        noted(m_history.addResult(
            {.task = task,
             .file = running.output.name,
             .request = running.output.key,
             .pixelHash = pixelHash(picture.image),
             .fileHash = digits ? sha256Name(*digits) : std::string(),
             .seconds = secondsSince(running.start),
             .madeAt = QDateTime::currentDateTimeUtc().toString(Qt::ISODate).toStdString(),
             .host = QSysInfo::machineHostName().toStdString()}));
    }

    void end(int64_t task, Running& running, std::optional<Error> error) {
        if (running.error) error = running.error;
        m_leases.release(running.output.name);
        const bool published = running.published && !running.error;
        Running done = std::move(running);
        m_running.erase(task);
        if (done.made) tell(task, *std::move(done.made));
        if (published || (done.cancelled && !error)) return;
        fail(task,
             error ? *error : Error(ErrorCode::Internal, "The engine ended without a picture."));
    }

    void fail(int64_t task, const Error& error) {
        // The next one would fail as well, and none of them is at fault.
        if (error.code() == ErrorCode::DiskFull || noWorkerIsLeft(m_work.engine, error)) {
            if (!m_summary.stoppedBy) m_summary.stoppedBy = error;
            return;
        }
        ++m_summary.failed;
        m_summary.failureCodes.insert(error.code());
        if (m_summary.failures.size() < kKeptFailures) m_summary.failures.emplace_back(task, error);
        tell(task, RenderFailed{error});
    }

    // What killed processes left: their leases, and files that they were writing.
    void clean() const {
        m_leases.sweep();
        removeOldTemporaries(m_options.out);
        removeOldTemporaries(m_options.out / kWorkFolder);
    }

    fs::path checkpointOf(const TaskOutput& output) const {
        // By what is asked for: a checkpoint never goes on as another picture.
        constexpr size_t kDigits = 32;
        return m_options.out / kWorkFolder /
               (output.key.substr(output.key.find(':') + 1, kDigits) + ".checkpoint");
    }

    // Of grids that this run looked at whole.
    void makeSheets() {
        for (const GridSheet& sheet : gridSheets(m_work.project)) {
            std::vector<fs::path> pictures;
            for (const int64_t task : sheet.tasks)
                if (const auto file = m_files.find(task); file != m_files.end())
                    pictures.push_back(file->second);
            if (m_cancel.cancelled()) return;
            if (pictures.size() == sheet.tasks.size()) makeSheet(sheet, pictures);
        }
    }

    void makeSheet(const GridSheet& sheet, const std::vector<fs::path>& pictures) {
        const Result<LeaseAnswer> lease = m_leases.acquire(sheet.name);
        if (!lease || !lease->mine) return; // another makes it
        m_history.refresh();
        const fs::path path = m_options.out / sheet.name;
        const auto outcome = writeSheet(sheet, pictures, path, m_options.overwrite, m_history);
        m_leases.release(sheet.name);
        if (!outcome)
            m_summary.sheetProblem = outcome.error();
        else if (*outcome == SheetOutcome::Made)
            tell(sheet.tasks.front(), RenderSheet{path});
    }

    RenderProgress progress() const {
        RenderProgress progress;
        progress.tasks = static_cast<int64_t>(m_options.tasks.size());
        progress.done = doneCount();
        double running = 0;
        for (const auto& [task, job] : m_running) running += job.fraction;
        const double all = std::max(1.0, static_cast<double>(progress.tasks));
        progress.fraction = (static_cast<double>(progress.done) + running) / all;
        const double made = static_cast<double>(m_summary.made) + running;
        const double left = static_cast<double>(progress.tasks - progress.done) - running;
        if (made > 0) progress.secondsLeft = secondsSince(m_start) / made * std::max(left, 0.0);
        return progress;
    }

    template <typename What> void tell(int64_t task, What what) const {
        m_sink(RenderEvent{task, progress(), std::move(what)});
    }

    const RenderWork& m_work;
    const RenderOptions& m_options;
    const CancelToken& m_cancel;
    const RenderSink& m_sink;
    TaskPreparer m_preparer;
    ProjectHistory m_history;
    TaskLeases m_leases;
    std::shared_ptr<Inbox> m_inbox; // shared: the engine may let go of a sink after its last event
    std::deque<int64_t> m_waiting, m_elsewhere;
    std::map<int64_t, Running> m_running;
    std::map<int64_t, bool> m_told;      // tasks that others were seen to work on
    std::map<int64_t, fs::path> m_files; // valid outputs
    RenderSummary m_summary;
    Clock::time_point m_start = Clock::now();
};

} // namespace

RenderSummary renderProject(const RenderWork& work, const RenderOptions& options,
                            const CancelToken& cancel, const RenderSink& sink) {
    return Renderer(work, options, cancel, sink).run();
}

} // namespace kinora::core
