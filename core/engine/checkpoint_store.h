#pragma once
// Where a job's checkpoint is kept: a file, or memory that outlives the process. One store for one
// job, one thread at a time.

#include "kernels/base/result.h"

#include <cstddef>
#include <span>
#include <vector>

namespace kinora::core {

enum class KeepWhen {
    Due, // after a step: the store says whether it is time
    Now, // before decoding, when pictures were handed out, and when work stops
};

class CheckpointStore {
  public:
    virtual ~CheckpointStore() = default;

    // What was kept last, by this process or one before it; empty where there is nothing. An error
    // means that the job begins again and says so; nothing here ends a job.
    virtual Result<std::vector<std::byte>> latest() = 0;
    // Whether keep() would do anything: asked first, so that nothing is put into bytes in vain.
    virtual bool wants(KeepWhen when) = 0;
    // Replaces what was kept in one step: whatever happens, latest() gives the old or the new.
    // Trouble (a full disk) is a warning in the log. Throws nothing.
    virtual void keep(std::span<const std::byte> bytes, KeepWhen when) = 0;
    // The job has ended: nothing is kept any more. Throws nothing.
    virtual void clear() = 0;
};

} // namespace kinora::core
