#include "core/queue/job_state.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kinora::core {

namespace {

using enum JobState;

constexpr std::array kTransitions{
    JobTransition{Waiting, JobAction::Start, Running},
    JobTransition{Waiting, JobAction::Pause, Paused},
    JobTransition{Waiting, JobAction::Fail, Failed}, // what is asked for cannot be read
    JobTransition{Waiting, JobAction::Cancel, Cancelled},

    JobTransition{Running, JobAction::Yield, Waiting},
    JobTransition{Running, JobAction::Pause, Paused},
    JobTransition{Running, JobAction::Finish, Finished},
    JobTransition{Running, JobAction::Fail, Failed},
    JobTransition{Running, JobAction::SetAside, SetAside},
    JobTransition{Running, JobAction::Cancel, Cancelled},

    JobTransition{Paused, JobAction::Resume, Waiting},
    JobTransition{Paused, JobAction::Cancel, Cancelled},

    JobTransition{Failed, JobAction::Retry, Waiting},
    JobTransition{SetAside, JobAction::Retry, Waiting},
    JobTransition{Cancelled, JobAction::Retry, Waiting},
};

constexpr std::array kStates{Waiting, Running, Paused, Finished, Failed, SetAside, Cancelled};
constexpr std::array kActions{JobAction::Start,    JobAction::Yield,  JobAction::Pause,
                              JobAction::Resume,   JobAction::Finish, JobAction::Fail,
                              JobAction::SetAside, JobAction::Cancel, JobAction::Retry};

template <typename T> using Name = std::pair<T, std::string_view>;

constexpr std::array<Name<JobState>, 7> kStateNames{{{Waiting, "waiting"},
                                                     {Running, "running"},
                                                     {Paused, "paused"},
                                                     {Finished, "finished"},
                                                     {Failed, "failed"},
                                                     {SetAside, "set-aside"},
                                                     {Cancelled, "cancelled"}}};
constexpr std::array<Name<JobAction>, 9> kActionNames{{{JobAction::Start, "started"},
                                                       {JobAction::Yield, "interrupted"},
                                                       {JobAction::Pause, "paused"},
                                                       {JobAction::Resume, "resumed"},
                                                       {JobAction::Finish, "finished"},
                                                       {JobAction::Fail, "failed"},
                                                       {JobAction::SetAside, "set aside"},
                                                       {JobAction::Cancel, "cancelled"},
                                                       {JobAction::Retry, "retried"}}};
constexpr std::array<Name<ItemState>, 3> kItemNames{{{ItemState::Waiting, "waiting"},
                                                     {ItemState::Publishing, "publishing"},
                                                     {ItemState::Done, "done"}}};
constexpr std::array<Name<Wish>, 4> kWishNames{{{Wish::None, "none"},
                                                {Wish::Pause, "pause"},
                                                {Wish::PauseAfterThis, "pause-after-this"},
                                                {Wish::Cancel, "cancel"}}};

constexpr std::array<Name<QueuePause>, 3> kPauseNames{
    {{QueuePause::No, "no"}, {QueuePause::Now, "now"}, {QueuePause::AfterThis, "after-this"}}};

template <typename Names, typename T> std::string_view nameIn(const Names& names, T value) {
    return std::ranges::find(names, value, &Name<T>::first)->second;
}

template <typename T, size_t N>
std::optional<T> valueIn(const std::array<Name<T>, N>& names, std::string_view name) {
    const auto found = std::ranges::find(names, name, &Name<T>::second);
    return found == names.end() ? std::nullopt : std::optional(found->first);
}

} // namespace

std::span<const JobTransition> jobTransitions() {
    return kTransitions;
}
std::span<const JobState> jobStates() {
    return kStates;
}
std::span<const JobAction> jobActions() {
    return kActions;
}

std::optional<JobState> after(JobState state, JobAction action) {
    for (const JobTransition& row : kTransitions)
        if (row.from == state && row.action == action) return row.to;
    return std::nullopt;
}

bool hasEnded(JobState state) {
    return state == Finished || state == Failed || state == SetAside || state == Cancelled;
}

std::string_view jobStateName(JobState state) {
    return nameIn(kStateNames, state);
}
std::string_view jobActionName(JobAction action) {
    return nameIn(kActionNames, action);
}
std::optional<JobState> jobStateNamed(std::string_view name) {
    return valueIn(kStateNames, name);
}

std::string_view itemStateName(ItemState state) {
    return nameIn(kItemNames, state);
}
std::optional<ItemState> itemStateNamed(std::string_view name) {
    return valueIn(kItemNames, name);
}

std::string_view wishName(Wish wish) {
    return nameIn(kWishNames, wish);
}
std::optional<Wish> wishNamed(std::string_view name) {
    return valueIn(kWishNames, name);
}

std::string_view queuePauseName(QueuePause pause) {
    return nameIn(kPauseNames, pause);
}
std::optional<QueuePause> queuePauseNamed(std::string_view name) {
    return valueIn(kPauseNames, name);
}

} // namespace kinora::core
