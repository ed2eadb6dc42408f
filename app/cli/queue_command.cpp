// kinora queue: jobs that wait, in the order in which they will run.

#include "app/cli/command.h"
#include "app/cli/event_json.h"
#include "app/cli/exit_code.h"
#include "app/cli/progress_line.h"
#include "app/cli/queue_job_arguments.h"
#include "app/cli/queue_run.h"
#include "app/cli/queue_verbs.h"
#include "app/cli/request_rows.h"
#include "app/cli/text_table.h"
#include "core/queue/queue_store.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <array>

namespace kinora::app {
namespace {

using core::JobAction;
using core::JobState;
using nlohmann::ordered_json;

constexpr int64_t kMostListed = 100'000;
constexpr std::array kNotEnded{JobState::Waiting, JobState::Running, JobState::Paused};
constexpr std::array kFailed{JobState::Failed, JobState::SetAside};

// A row of the table is a line of the screen.
std::string onOneLine(const std::string& text) {
    std::string line = printable(text);
    for (char& c : line)
        if (c == '\n' || c == '\t') c = ' ';
    return line;
}

std::string shortened(const std::string& text) {
    constexpr size_t kLongest = 60;
    const std::string clean = onOneLine(text);
    if (clean.size() <= kLongest) return clean;
    size_t end = kLongest; // not within a character
    while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xc0) == 0x80) --end;
    return clean.substr(0, end) + "...";
}

// "waiting", "waiting for 3", "running, step 4 of 20".
std::string stateText(const core::QueueJob& job) {
    std::string text(core::jobStateName(job.state));
    if (job.state == JobState::Waiting && !job.needs.empty())
        for (size_t i = 0; i < job.needs.size(); ++i)
            text += (i == 0 ? " for " : ", ") + std::to_string(job.needs[i]);
    if (job.progress)
        text += ", step " + std::to_string(job.progress->step) + " of " +
                std::to_string(job.progress->steps);
    if (job.wish == core::Wish::Cancel) text += ", is cancelled";
    if (job.wish == core::Wish::Pause || job.wish == core::Wish::PauseAfterThis)
        text += ", is paused";
    return text;
}

std::string statusText(const core::QueueStatus& status) {
    std::string text = std::to_string(status.waiting) + " waiting, " +
                       std::to_string(status.running) + " running, " +
                       std::to_string(status.pausedJobs) + " paused, " +
                       std::to_string(status.finished) + " finished, " +
                       std::to_string(status.failed + status.setAside) + " failed, " +
                       std::to_string(status.cancelled) + " cancelled";
    if (status.secondsLeft > 0) text += "; about " + durationText(status.secondsLeft) + " left";
    if (status.jobsOfUnknownTime > 0) {
        text += status.secondsLeft > 0 ? ", and " : "; ";
        text += std::to_string(status.jobsOfUnknownTime) +
                (status.jobsOfUnknownTime == 1 ? " job" : " jobs") + " whose time is not known yet";
    }
    return text + ".";
}

class QueueCommand {
  public:
    explicit QueueCommand(const CommandContext& context)
        : m_context(context), m_console(context.console), m_arguments(context.arguments),
          m_words(context.arguments.positional),
          m_queue(orThrow(core::QueueStore::open(context.program.dataFolder))) {}

    int run() {
        const std::string& what = m_words.at(0);
        if (what == "list") return list();
        if (what == "show") return show();
        if (what == "add") return add();
        if (what == "edit") return edit();
        if (what == "move") return move();
        if (what == "pause" || what == "resume") return pauseOrResume();
        if (what == "cancel") return cancel();
        if (what == "retry") return retry();
        return clear();
    }

  private:
    std::vector<JobState> statesAsked(std::vector<JobState> otherwise) const {
        const std::optional<std::string> name = m_arguments.value("state");
        if (!name) return otherwise;
        if (*name == "all") return {};
        return {*core::jobStateNamed(*name)};
    }

    void tellQueue() {
        const core::QueueStatus status = orThrow(m_queue.status());
        m_console.event(queueJson(status));
        m_console.remark(statusText(status));
        if (status.paused != core::QueuePause::No) m_console.remark("The queue is paused.");
        if (status.trouble) m_console.remark("The queue waits: " + status.trouble->message());
        if (status.owner == 0 && status.waiting > 0)
            m_console.remark("Nobody works through it: kinora queue run does.");
    }

    void tellJob(const core::QueueJob& job) {
        ordered_json event{{"event", "job"}};
        event.update(jobJson(job));
        m_console.event(event);
    }

    int list() {
        core::JobFilter filter;
        filter.states = statesAsked({kNotEnded.begin(), kNotEnded.end()});
        filter.project = m_arguments.value("project");
        filter.text = m_arguments.value("text").value_or("");
        filter.count = m_arguments.integer("limit", filter.count, 1, kMostListed);
        filter.first = m_arguments.integer("skip", 0, 0, INT32_MAX);
        const std::vector<core::QueueJob> jobs = orThrow(m_queue.list(filter));
        TextTable table({"JOB", "STATE", "PICTURES", "PRIORITY", "PROJECT", "TIME", "PROMPT"});
        for (const core::QueueJob& job : jobs) {
            tellJob(job);
            table.addRow({std::to_string(job.id), stateText(job),
                          std::to_string(job.picturesDone) + " of " + std::to_string(job.pictures),
                          std::to_string(job.priority), onOneLine(job.project),
                          job.secondsLeft ? durationText(*job.secondsLeft) : "",
                          shortened(job.title)});
        }
        if (!jobs.empty()) m_console.data(table.text());
        for (const core::QueueJob& job : jobs)
            if (job.error)
                m_console.remark("Job " + std::to_string(job.id) + ": " + job.error->message());
        tellQueue();
        return kExitDone;
    }

    int show() {
        const core::QueueJob job = orThrow(m_queue.find(theJob()));
        ordered_json event{{"event", "job"}};
        event.update(jobJson(job));
        event["request"] = ordered_json(pipelines::toJson(job.request));
        event["items"] = ordered_json::array();
        event["attempts"] = ordered_json::array();
        TextTable table({});
        table.addRow({"Job", std::to_string(job.id)});
        table.addRow({"State", stateText(job)});
        addRequest(table, job.request, RequestRows::All);
        if (job.error) table.addRow({"Reason", job.error->message() + " " + job.error->advice()});
        for (const core::QueueItem& item : orThrow(m_queue.items(job.id))) {
            event["items"].push_back({{"picture", item.picture},
                                      {"state", core::itemStateName(item.state)},
                                      {"file", item.path.string()},
                                      {"pixelHash", item.pixelHash}});
            table.addRow({item.state == core::ItemState::Done ? "Made" : "To make",
                          printable(item.path.string())});
        }
        for (const core::QueueAttempt& attempt : orThrow(m_queue.attempts(job.id))) {
            event["attempts"].push_back({{"began", attempt.began},
                                         {"seconds", attempt.seconds.value_or(0)},
                                         {"outcome", attempt.outcome},
                                         {"why", attempt.why},
                                         {"device", attempt.device}});
            table.addRow({"Ran", (attempt.seconds ? durationText(*attempt.seconds) : "until now") +
                                     " " + attempt.outcome +
                                     (attempt.why.empty() ? "" : ": " + attempt.why)});
        }
        m_console.event(event);
        m_console.data(table.text());
        return kExitDone;
    }

    int add() {
        const core::QueueJobId id = orThrow(m_queue.add(newJobFromArguments(m_context, m_queue)));
        tellJob(orThrow(m_queue.find(id)));
        m_console.data(std::to_string(id));
        tellQueue();
        return kExitDone;
    }

    int edit() {
        const core::QueueJob job = orThrow(m_queue.find(theJob()));
        orThrow(m_queue.edit(job.id, editedJobFromArguments(m_context, m_queue, job)));
        tellJob(orThrow(m_queue.find(job.id)));
        tellQueue();
        return kExitDone;
    }

    int move() {
        const core::QueueJobId id = theJob();
        if (m_arguments.has("priority"))
            orThrow(m_queue.setPriority(
                id, m_arguments.integer("priority", 0, -core::kMostPriority, core::kMostPriority)));
        const std::optional<std::string> before = m_arguments.value("before");
        if (before || !m_arguments.has("priority"))
            orThrow(m_queue.moveBefore(id, before ? jobIdFrom(*before) : 0));
        tellQueue();
        return kExitDone;
    }

    int pauseOrResume() {
        const bool pause = m_words[0] == "pause";
        const bool afterThis = m_arguments.has("after-this");
        const std::vector<core::QueueJobId> ids = jobIdsFrom(m_words);
        if (ids.empty())
            orThrow(m_queue.pauseQueue(!pause      ? core::QueuePause::No
                                       : afterThis ? core::QueuePause::AfterThis
                                                   : core::QueuePause::Now));
        else if (pause && afterThis)
            orThrow(m_queue.pauseAfterThis(ids));
        else
            orThrow(m_queue.apply(pause ? JobAction::Pause : JobAction::Resume, ids));
        tellQueue();
        return kExitDone;
    }

    int cancel() {
        orThrow(m_queue.apply(JobAction::Cancel, jobIdsFrom(m_words)));
        tellQueue();
        return kExitDone;
    }

    int retry() {
        std::vector<core::QueueJobId> ids = jobIdsFrom(m_words);
        if (ids.empty()) ids = orThrow(m_queue.jobsIn(kFailed));
        orThrow(m_queue.apply(JobAction::Retry, ids));
        tellQueue();
        return kExitDone;
    }

    int clear() {
        std::vector<JobState> states = statesAsked({JobState::Finished, JobState::Cancelled});
        if (states.empty())
            states = {JobState::Finished, JobState::Failed, JobState::SetAside,
                      JobState::Cancelled};
        const int64_t cleared = orThrow(m_queue.clear(states));
        m_console.remark(std::to_string(cleared) +
                         (cleared == 1 ? " job was cleared." : " jobs were cleared."));
        tellQueue();
        return kExitDone;
    }

    core::QueueJobId theJob() const { return jobIdFrom(m_words.at(1)); }

    const CommandContext& m_context;
    Console& m_console;
    const Arguments& m_arguments;
    const std::vector<std::string>& m_words;
    core::QueueStore m_queue;
};

} // namespace

int runQueueCommand(const CommandContext& context) {
    checkQueueVerb(context.arguments);
    if (context.arguments.positional.at(0) == "run") return runQueue(context);
    return QueueCommand(context).run();
}

} // namespace kinora::app
