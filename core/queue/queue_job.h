#pragma once
// What the queue holds, as values.

#include "core/media/image_file.h"
#include "core/queue/job_state.h"
#include "kernels/base/error.h"
#include "pipelines/request/image_request.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kinora::core {

using QueueJobId = int64_t; // from 1; never used again

inline constexpr int64_t kMostPriority = 100; // the least is its negative

// How the pictures of a job are written.
struct JobOutput {
    ImageFormat format = ImageFormat::Png;
    Overwrite overwrite = Overwrite::No;
    bool metadata = true;
};

struct NewJob {
    // Its seed is set, its paths are absolute, and it asks for no files beside the pictures.
    pipelines::ImageRequest request;
    JobOutput output;
    std::vector<std::filesystem::path> paths; // of each picture, absolute
    std::string project;                      // projects take turns; empty: none
    int64_t priority = 0;                     // higher first, within kMostPriority
    std::vector<QueueJobId> needs;            // begins when these are finished
    bool paused = false;
};

// How far a job is that runs. Others see it about a second later.
struct JobProgress {
    int64_t picture = 0; // from 0
    int64_t step = 0;
    int64_t steps = 0;
    double secondsLeft = 0; // of the whole job
};

struct QueueJob {
    QueueJobId id = 0;
    JobState state = JobState::Waiting;
    std::string project;
    std::string title; // the prompt
    int64_t priority = 0;
    pipelines::ImageRequest request;
    JobOutput output;
    int64_t pictures = 0;
    int64_t picturesDone = 0;
    int64_t revision = 0;
    int64_t firstPicture = 0;
    Wish wish = Wish::None;
    int64_t added = 0;                   // seconds since 1970
    std::optional<Error> error;          // why it failed, was set aside, or waits
    std::optional<JobProgress> progress; // where it runs
    // What its missing pictures will take, from measured steps; none: nothing like it ever ran.
    std::optional<double> secondsLeft;
    std::vector<QueueJobId> needs; // those that are not finished
};

struct QueueItem {
    int64_t picture = 0; // from 0
    ItemState state = ItemState::Waiting;
    std::filesystem::path path; // where it goes; once it is done, where it is
    std::string pixelHash;      // "sha256:..."; empty before it is computed
};

struct QueueAttempt {
    int64_t epoch = 0;
    int64_t began = 0;             // seconds since 1970, by the clock on the wall
    std::optional<double> seconds; // none while it goes on
    std::string outcome;           // "finished", "failed", "interrupted" ...
    std::string why;
    std::string device;
};

// The queue as a whole.
struct QueueStatus {
    QueuePause paused = QueuePause::No;
    std::optional<Error> trouble; // why its owner waits: a full disk
    int owner = 0;                // process id; 0: nobody works through it
    int64_t waiting = 0, running = 0, pausedJobs = 0, finished = 0, failed = 0, setAside = 0,
            cancelled = 0;
    double secondsLeft = 0;        // of those that wait or run and whose time is known
    int64_t jobsOfUnknownTime = 0; // the others
    int64_t jobs() const {
        return waiting + running + pausedJobs + finished + failed + setAside + cancelled;
    }
};

struct JobFilter {
    std::vector<JobState> states = {};       // empty: all
    std::optional<std::string> project = {}; // exactly
    std::string text = {};                   // part of the prompt, without case (of ASCII letters)
    int64_t first = 0;                       // how many are passed over
    int64_t count = 50;
};

} // namespace kinora::core
