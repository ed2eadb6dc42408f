#pragma once
// Makes the pictures of a project that are not there yet, as many at once as the engine takes.
// Twice in a row the second run finds all done; two at once, also from two machines on one folder,
// share the tasks; an interrupted one goes on.
//
//     RenderSummary summary = renderProject(work, options, cancel, [](const RenderEvent& e) {...});
//
// Runs on the calling thread, which also gets the events.

#include "core/engine/engine.h"
#include "core/library/model_library.h"
#include "core/project/project_document.h"
#include "core/project/project_paths.h"
#include "core/project/task_leases.h"
#include "kernels/base/cancel_token.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kinora::core {

struct RenderWork {
    const ProjectDocument& project;
    ProjectPaths paths;
    Engine& engine;
    const ModelLibrary& library;
};

struct RenderOptions {
    std::filesystem::path out;  // where pictures go; made when first needed
    std::vector<int64_t> tasks; // their numbers, each once
    std::vector<std::pair<std::string, std::string>> overrides; // parameter, text
    bool overwrite = false; // a file of the name that is another picture is replaced
    TaskLeases::Options leases = {};
};

struct RenderProgress {
    int64_t tasks = 0;       // in all
    int64_t done = 0;        // made or found, failed too
    double fraction = 0;     // of all, the running ones by their steps
    double secondsLeft = -1; // negative: not known yet
};

struct RenderPresent { // its valid output is there
    std::filesystem::path file;
    bool byAnother = false; // it was made while this run went on
};
struct RenderStarted {
    std::filesystem::path file;
    bool takenOver = false; // from a process that is gone
};
struct RenderElsewhere { // somebody else works on it; it is looked at again later
    std::string holder;
};
struct RenderMade {
    std::filesystem::path file;
    PictureEvent picture;
    double seconds = 0;
    // Of the process that computed it; none: it was lost before it said so.
    std::optional<uint64_t> peakBytes = {};
};
struct RenderFailed {
    Error error;
};
struct RenderSheet { // a grid's contact sheet was made
    std::filesystem::path file;
};
struct RenderEvent {
    int64_t task = 0; // of a sheet: its first
    RenderProgress progress;
    std::variant<RenderPresent, RenderStarted, RenderElsewhere, EngineEvent, RenderMade,
                 RenderFailed, RenderSheet>
        what;
};
using RenderSink = std::function<void(const RenderEvent&)>;

struct RenderSummary {
    int64_t made = 0;
    int64_t present = 0; // found, or made by others meanwhile
    int64_t failed = 0;
    bool cancelled = false;
    double seconds = 0;
    std::vector<std::pair<int64_t, Error>> failures; // the first hundred
    std::set<ErrorCode> failureCodes;                // of all of them
    std::optional<Error>
        stoppedBy; // trouble that stops all: a full disk, no worker; tasks are left
    std::optional<Error> sheetProblem;   // a contact sheet could not be made
    std::optional<Error> historyProblem; // results are not noted; they are there nonetheless
};

// cancel ends it within a second: what was finished stays, what was begun goes on the next time.
RenderSummary renderProject(const RenderWork& work, const RenderOptions& options,
                            const CancelToken& cancel, const RenderSink& sink);

} // namespace kinora::core
