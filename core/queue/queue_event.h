#pragma once
// What the dispatcher tells while it works: to the command line, to the window.

#include "core/engine/engine.h"
#include "core/queue/queue_job.h"

#include <functional>
#include <variant>

namespace kinora::core {

struct JobChangedEvent { // it began, ended, or was asked to stop
    QueueJob job;
};
struct JobEngineEvent { // planned, resumed, loading, a step, a preview; pictures count from the
                        // job's
    QueueJobId job = 0;
    EngineEvent event;
};
struct JobPictureEvent { // a picture is under its name
    QueueJobId job = 0;
    PictureEvent picture;
    std::filesystem::path path;
    std::string pixelHash;
};
struct QueueTroubleEvent { // a full disk, battery, heat: the queue waits, or (none) goes on
    std::optional<Error> trouble;
};
struct QueueChangedEvent {}; // others changed the queue

using QueueEvent = std::variant<JobChangedEvent, JobEngineEvent, JobPictureEvent, QueueTroubleEvent,
                                QueueChangedEvent>;

// Called on the dispatcher's thread. Must not throw and should not block.
using QueueListener = std::function<void(const QueueEvent&)>;

} // namespace kinora::core
