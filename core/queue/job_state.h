#pragma once
// What a queued job can be, and what may become of it: one table, read by everybody who changes a
// state. What a state is called in the file, in --json and on the command line stands here too.
//
//              +------------- Resume -- Paused <--------- Pause ----+
//              v                          ^                         |
//           Waiting --------- Pause ------+                         |
//              |  ^------------------------------------- Yield -----+
//              +---------------- Start -----------------------> Running --> Finished
//                                                                 | |  +--> Failed, SetAside
//           Failed, SetAside, Cancelled -- Retry --> Waiting      | +-----> Cancelled

#include <optional>
#include <span>
#include <string_view>

namespace kinora::core {

enum class JobState {
    Waiting,
    Running,
    Paused,
    Finished,
    Failed,
    SetAside, // it ended the processes that computed it, again and again: not tried by itself
    Cancelled,
};

enum class JobAction {
    Start,    // given to the engine
    Yield,    // interrupted: goes on later by itself
    Pause,    // goes on when a person says so
    Resume,   //
    Finish,   // all its pictures are there
    Fail,     //
    SetAside, //
    Cancel,   //
    Retry,    // pictures that are there stay
};

struct JobTransition {
    JobState from;
    JobAction action;
    JobState to;
};

// Everything that is allowed.
std::span<const JobTransition> jobTransitions();
std::span<const JobState> jobStates();
std::span<const JobAction> jobActions();

// nullopt: not allowed.
std::optional<JobState> after(JobState state, JobAction action);

// Nothing happens to it any more by itself or by the queue.
bool hasEnded(JobState state);

std::string_view jobStateName(JobState state);    // "set-aside"
std::string_view jobActionName(JobAction action); // "set aside"
std::optional<JobState> jobStateNamed(std::string_view name);

// One picture of a job.
enum class ItemState {
    Waiting,    // not there yet
    Publishing, // its file is written beside the final name and about to be renamed
    Done,
};
std::string_view itemStateName(ItemState state);
std::optional<ItemState> itemStateNamed(std::string_view name);

// What people ask of a job that runs. Written into the queue by anybody, done by its owner.
enum class Wish { None, Pause, PauseAfterThis, Cancel };
std::string_view wishName(Wish wish);
std::optional<Wish> wishNamed(std::string_view name);

// What people ask of the queue as a whole.
enum class QueuePause { No, Now, AfterThis };
std::string_view queuePauseName(QueuePause pause); // "after-this"
std::optional<QueuePause> queuePauseNamed(std::string_view name);

} // namespace kinora::core
