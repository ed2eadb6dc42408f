#pragma once
// A caching allocator: the memory behind every tensor of a device.
//
// It takes segments from a source (malloc on the CPU, nothing at all on the meta back end), hands
// out best-fitting pieces, and keeps freed pieces for the next step: a denoising step that repeats
// gets the same addresses every time. Because the meta back end runs the same arena over the same
// sequence of requests, a plan knows the peak before a run.
//
// Owned by a Device. One thread at a time.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <vector>

namespace kinora::kernels {

// Where segments come from. allocate returns nullptr when there is no memory.
struct MemorySource {
    std::function<void*(size_t sizeBytes)> allocate;
    std::function<void(void* memory, size_t sizeBytes)> release;
};

struct ArenaStats {
    size_t usedBytes = 0;         // in live pieces
    size_t peakUsedBytes = 0;     // the most that usedBytes was
    size_t reservedBytes = 0;     // in segments
    size_t peakReservedBytes = 0; // the most that reservedBytes was
};

class Arena {
  public:
    static constexpr size_t kAlignment = 64;

    // limitBytes: the most that may be reserved; 0 means no limit.
    explicit Arena(MemorySource source, size_t limitBytes = 0);
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    // Uninitialised memory, aligned to kAlignment. Throws Error{OutOfMemory} after giving the cache
    // back and trying once more.
    void* allocate(size_t sizeBytes);
    void release(void* memory) noexcept;

    // Gives segments without a live piece back to the source.
    void trim();

    void setLimit(size_t limitBytes) { m_limitBytes = limitBytes; }
    const ArenaStats& stats() const { return m_stats; }
    void resetPeaks();

  private:
    struct Piece {
        size_t sizeBytes;
        uint64_t segment; // the number of the segment it was cut from
        bool free;
    };
    using Pieces = std::map<char*, Piece>; // by address, so that neighbours merge
    using FreeKey = std::tuple<size_t, uint64_t, char*>;

    Pieces::iterator reserveSegment(size_t sizeBytes);
    void take(Pieces::iterator piece, size_t sizeBytes);
    static FreeKey freeKey(Pieces::const_iterator piece) {
        return {piece->second.sizeBytes, piece->second.segment, piece->first};
    }

    MemorySource m_source;
    size_t m_limitBytes;
    ArenaStats m_stats;
    Pieces m_pieces;
    // By size, then segment, then place in it: best fit, and the same choice wherever the source
    // happened to put the segments.
    std::set<FreeKey> m_free;
    std::map<char*, size_t> m_segments;
    uint64_t m_nextSegment = 0;
};

} // namespace kinora::kernels
