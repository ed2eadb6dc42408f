#pragma once
// The memory that the studio and one worker share: two places for checkpoints, written in turn, and
// an outbox for pixels. The studio makes it and holds it; it outlives the worker.
//
//     Result<SharedSegment> segment = SharedSegment::create();   // studio
//     SharedSegment::attach(descriptor);                         // worker, from the inherited one
//
// The file is sealed against shrinking, so that no access of one side can fault because of the
// other; pages exist once they are written. One side writes checkpoints at a time: the worker while
// it lives, the studio before it gives a job and after the worker is gone.

#include "core/engine/worker/descriptor.h"
#include "kernels/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kinora::core {

class SharedSegment {
  public:
    static constexpr size_t kCheckpointBytes = size_t{512} << 20; // the most that a place holds
    static constexpr size_t kOutboxBytes = size_t{1} << 30; // the largest picture: 8192 x 8192

    // Errors: Io, OutOfMemory. attach() also checks seals, size and mark: Error{BadFile}.
    static Result<SharedSegment> create();
    static Result<SharedSegment> attach(Descriptor descriptor);
    ~SharedSegment();
    SharedSegment(SharedSegment&& other) noexcept;
    SharedSegment& operator=(SharedSegment&&) = delete;

    int descriptor() const { return m_file.get(); }

    // Into the place of the older one; it counts once it is complete. A writer that dies in between
    // leaves the one before. Error{OutOfMemory} where there is no room: the one before stays.
    Result<void> keepCheckpoint(std::span<const std::byte> bytes);
    // Complete checkpoints, the newest first; what a length cannot be is passed over.
    std::vector<std::vector<std::byte>> checkpoints() const;
    void clearCheckpoints();

    // At the beginning of the outbox. Error{OutOfMemory}.
    Result<void> putPixels(std::span<const float> pixels);
    // The whole outbox; read no further than what an event announced.
    std::span<const std::byte> outbox() const;
    // Gives the memory of large pictures and checkpoints back to the system.
    void releaseMemory();

  private:
    struct Place;

    SharedSegment(Descriptor file, std::byte* base);
    Place& place(int index) const;
    std::byte* placeBytes(int index) const;
    Result<void> reserve(size_t offset, size_t bytes) const;

    Descriptor m_file;
    std::byte* m_base;
};

} // namespace kinora::core
