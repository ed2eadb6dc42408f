#include "core/engine/worker/shared_segment.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

namespace kinora::core {

namespace {

constexpr uint64_t kMark = 0x31304d4853414e4b; // "KNASHM01"
constexpr size_t kHeaderBytes = 4096;          // a page: the mark and both places' heads
constexpr size_t kSegmentBytes =
    kHeaderBytes + 2 * SharedSegment::kCheckpointBytes + SharedSegment::kOutboxBytes;
constexpr size_t kOutboxOffset = kHeaderBytes + 2 * SharedSegment::kCheckpointBytes;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr size_t kKeptBytes = size_t{8} << 20; // of each part, between jobs

Error systemError(const char* what, int error) {
    const bool memory = error == ENOMEM || error == ENOSPC;
    return Error(memory ? ErrorCode::OutOfMemory : ErrorCode::Io,
                 std::string("Memory shared with a worker: ") + what + ": " + std::strerror(error) +
                     ".",
                 memory ? "Close other programs, or use fewer workers." : "");
}

Result<std::byte*> mapped(int descriptor) {
    void* base = ::mmap(nullptr, kSegmentBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (base == MAP_FAILED) return systemError("mapping it", errno);
    return static_cast<std::byte*>(base);
}

} // namespace

// The head of a place. The sequence is written last and taken back first, so that it is never found
// beside bytes of another moment, wherever the writer is killed.
struct SharedSegment::Place {
    std::atomic<uint64_t> sequence; // 0: holds nothing; the larger one is the newer
    std::atomic<uint64_t> length;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

SharedSegment::SharedSegment(Descriptor file, std::byte* base)
    : m_file(std::move(file)), m_base(base) {}

SharedSegment::SharedSegment(SharedSegment&& other) noexcept
    : m_file(std::move(other.m_file)), m_base(std::exchange(other.m_base, nullptr)) {}

SharedSegment::~SharedSegment() {
    if (m_base) ::munmap(m_base, kSegmentBytes);
}

Result<SharedSegment> SharedSegment::create() {
    Descriptor file(::memfd_create("kinora-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return systemError("making it", errno);
    if (::ftruncate(file.get(), static_cast<off_t>(kSegmentBytes)) != 0)
        return systemError("sizing it", errno);
    if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return systemError("sealing it", errno);
    const Result<std::byte*> base = mapped(file.get());
    if (!base) return base.error();
    std::memcpy(*base, &kMark, sizeof kMark);
    return SharedSegment(std::move(file), *base);
}

Result<SharedSegment> SharedSegment::attach(Descriptor file) {
    const auto refuse = [](const std::string& what) {
        return Error(ErrorCode::BadFile, "Memory shared with the studio: " + what + ".",
                     "Kinora starts workers itself; this command is not for people.");
    };
    const int seals = ::fcntl(file.get(), F_GET_SEALS);
    if (seals < 0 || (seals & kSeals) != kSeals) return refuse("it is not sealed");
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || status.st_size != static_cast<off_t>(kSegmentBytes))
        return refuse("it has another size");
    ::fcntl(file.get(), F_SETFD, FD_CLOEXEC);
    const Result<std::byte*> base = mapped(file.get());
    if (!base) return base.error();
    SharedSegment segment(std::move(file), *base);
    if (std::memcmp(segment.m_base, &kMark, sizeof kMark) != 0)
        return refuse("it is of another version");
    return segment;
}

SharedSegment::Place& SharedSegment::place(int index) const {
    constexpr size_t kFirst = 64, kApart = 64; // a cache line each
    return *reinterpret_cast<Place*>(m_base + kFirst + static_cast<size_t>(index) * kApart);
}

std::byte* SharedSegment::placeBytes(int index) const {
    return m_base + kHeaderBytes + static_cast<size_t>(index) * kCheckpointBytes;
}

// Pages are asked for before they are written: a full system is an error here, and not a SIGBUS.
Result<void> SharedSegment::reserve(size_t offset, size_t bytes) const {
    while (::fallocate(m_file.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0)
        if (errno != EINTR) return systemError("no room in it", errno);
    return {};
}

Result<void> SharedSegment::keepCheckpoint(std::span<const std::byte> bytes) {
    if (bytes.empty() || bytes.size() > kCheckpointBytes)
        return Error(ErrorCode::OutOfMemory, "The checkpoint is too large for shared memory.");
    const uint64_t first = place(0).sequence.load(), second = place(1).sequence.load();
    const int older = first <= second ? 0 : 1;
    const size_t offset = static_cast<size_t>(placeBytes(older) - m_base);
    if (const Result<void> room = reserve(offset, bytes.size()); !room) return room;
    place(older).sequence.store(0);
    std::memcpy(placeBytes(older), bytes.data(), bytes.size());
    place(older).length.store(bytes.size());
    place(older).sequence.store(std::max(first, second) + 1);
    return {};
}

std::vector<std::vector<std::byte>> SharedSegment::checkpoints() const {
    std::vector<std::vector<std::byte>> found;
    const int newer = place(1).sequence.load() > place(0).sequence.load() ? 1 : 0;
    for (const int index : {newer, 1 - newer}) {
        const uint64_t length = place(index).length.load();
        if (place(index).sequence.load() == 0 || length == 0 || length > kCheckpointBytes) continue;
        found.emplace_back(placeBytes(index), placeBytes(index) + length);
    }
    return found;
}

void SharedSegment::clearCheckpoints() {
    for (const int index : {0, 1}) place(index).sequence.store(0);
}

Result<void> SharedSegment::putPixels(std::span<const float> pixels) {
    const auto bytes = std::as_bytes(pixels);
    if (bytes.size() > kOutboxBytes)
        return Error(ErrorCode::OutOfMemory, "The picture is too large for shared memory.");
    if (const Result<void> room = reserve(kOutboxOffset, bytes.size()); !room) return room;
    std::memcpy(m_base + kOutboxOffset, bytes.data(), bytes.size());
    return {};
}

std::span<const std::byte> SharedSegment::outbox() const {
    return {m_base + kOutboxOffset, kOutboxBytes};
}

void SharedSegment::releaseMemory() {
    const auto release = [&](size_t offset, size_t bytes) {
        (void)::fallocate(m_file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          static_cast<off_t>(offset + kKeptBytes),
                          static_cast<off_t>(bytes - kKeptBytes));
    };
    release(kHeaderBytes, kCheckpointBytes);
    release(kHeaderBytes + kCheckpointBytes, kCheckpointBytes);
    release(kOutboxOffset, kOutboxBytes);
}

} // namespace kinora::core
