#pragma once
// Keeps a project from being changed by two at once: who loads, changes and saves it holds this
// meanwhile. The lock is on the project's own file, so nothing is left beside it.
//
//     const Result<ProjectLock> lock = ProjectLock::take("foxes.kinora");
//     load, change, save;

#include "kernels/base/result.h"

#include <chrono>
#include <filesystem>

namespace kinora::core {

class ProjectLock {
  public:
    // Waits for another to let go. Error{Busy}: it did not, within `longest`; NotFound, Io. Where
    // the file system has no locks it holds nothing.
    static Result<ProjectLock> take(const std::filesystem::path& project,
                                    std::chrono::milliseconds longest = std::chrono::seconds(30));
    ProjectLock(ProjectLock&& other) noexcept;
    ~ProjectLock();
    ProjectLock& operator=(ProjectLock&&) = delete;

  private:
    explicit ProjectLock(int descriptor) : m_descriptor(descriptor) {}

    int m_descriptor;
};

} // namespace kinora::core
