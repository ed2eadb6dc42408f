#pragma once
// Where the queue lies: a folder in the data folder, on a disk of this machine, owned by one
// process at a time.

#include "kernels/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace kinora::core {

struct QueueFolder {
    std::filesystem::path path; // "DATA/queue"

    explicit QueueFolder(const std::filesystem::path& dataFolder) : path(dataFolder / "queue") {}
    std::filesystem::path database() const { return path / "queue.db"; }
    std::filesystem::path lock() const { return path / "owner.lock"; }
    std::filesystem::path checkpoints() const { return path / "checkpoints"; }
    // Where the engine keeps how far a job of the queue is.
    std::filesystem::path checkpoint(int64_t job, int64_t revision) const;
};

// "ID-REVISION": files of that name, whatever comes after a dot, are that job's.
std::string checkpointName(int64_t job, int64_t revision);

// Makes the folder, for its owner's eyes alone. Throws Error{Io, DiskFull}, and Unsupported where
// it lies on a network: write-ahead logs are shared through memory, which works on one machine
// only.
void makeQueueFolder(const QueueFolder& folder);

// f_type of statfs: whether several machines may see that file system at once.
bool isNetworkFileSystem(long type);

// Held by the one process that works through the queue. The system lets go of it when the process
// ends, however that is.
class OwnerLock {
  public:
    // Error{Busy}: another process owns the queue; its message has the process id.
    static Result<OwnerLock> take(const QueueFolder& folder);
    // Process id of the owner; 0: there is none.
    static int ownerOf(const QueueFolder& folder);

    OwnerLock(OwnerLock&& other) noexcept;
    OwnerLock& operator=(OwnerLock&&) = delete;
    ~OwnerLock();

  private:
    explicit OwnerLock(int descriptor) : m_descriptor(descriptor) {}
    int m_descriptor = -1;
};

} // namespace kinora::core
