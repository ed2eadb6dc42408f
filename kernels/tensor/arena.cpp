#include "kernels/tensor/arena.h"

#include "kernels/base/error.h"
#include "kernels/base/rounding.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <string>

namespace kinora::kernels {

namespace {

constexpr size_t kSmallestSegment = size_t{8} << 20;
constexpr size_t kSegmentStep = size_t{2} << 20; // a huge page
constexpr size_t kSmallestRemainder = 4096;      // a smaller rest stays with its piece

// Far above any memory, and rounding it up does not overflow.
constexpr size_t kLargestRequest = size_t{1} << 62;

Error outOfMemory(size_t wantedBytes, size_t reservedBytes) {
    return Error(ErrorCode::OutOfMemory,
                 "Out of memory: " + std::to_string(wantedBytes >> 20) + " MiB more were needed, " +
                     std::to_string(reservedBytes >> 20) + " MiB are in use.",
                 "Use a smaller size or batch, or close other programs.");
}

} // namespace

Arena::Arena(MemorySource source, size_t limitBytes)
    : m_source(std::move(source)), m_limitBytes(limitBytes) {}

Arena::~Arena() {
    for (const auto& [address, sizeBytes] : m_segments) m_source.release(address, sizeBytes);
}

void* Arena::allocate(size_t sizeBytes) {
    if (sizeBytes > kLargestRequest) throw outOfMemory(sizeBytes, m_stats.reservedBytes);
    const size_t wanted = roundUp(std::max<size_t>(sizeBytes, 1), kAlignment);
    const auto fit = m_free.lower_bound({wanted, 0, nullptr});
    const auto piece =
        fit != m_free.end() ? m_pieces.find(std::get<char*>(*fit)) : reserveSegment(wanted);
    take(piece, wanted);
    m_stats.usedBytes += piece->second.sizeBytes;
    m_stats.peakUsedBytes = std::max(m_stats.peakUsedBytes, m_stats.usedBytes);
    return piece->first;
}

Arena::Pieces::iterator Arena::reserveSegment(size_t sizeBytes) {
    const size_t segmentBytes = std::max(kSmallestSegment, roundUp(sizeBytes, kSegmentStep));
    const auto reserve = [&]() -> char* {
        if (m_limitBytes && m_stats.reservedBytes + segmentBytes > m_limitBytes) return nullptr;
        return static_cast<char*>(m_source.allocate(segmentBytes));
    };
    char* segment = reserve();
    if (!segment) {
        trim();
        segment = reserve();
    }
    if (!segment) throw outOfMemory(sizeBytes, m_stats.reservedBytes);
    Pieces::iterator piece;
    try {
        m_segments.emplace(segment, segmentBytes);
        piece = m_pieces.emplace(segment, Piece{segmentBytes, m_nextSegment, true}).first;
        m_free.insert(freeKey(piece));
    } catch (...) { // no memory to note it in
        m_pieces.erase(segment);
        m_segments.erase(segment);
        m_source.release(segment, segmentBytes);
        throw;
    }
    ++m_nextSegment;
    m_stats.reservedBytes += segmentBytes;
    m_stats.peakReservedBytes = std::max(m_stats.peakReservedBytes, m_stats.reservedBytes);
    return piece;
}

void Arena::take(Pieces::iterator piece, size_t sizeBytes) {
    const FreeKey whole = freeKey(piece);
    const size_t rest = piece->second.sizeBytes - sizeBytes;
    if (rest >= kSmallestRemainder) { // first, because it may throw
        const auto remainder =
            m_pieces.emplace(piece->first + sizeBytes, Piece{rest, piece->second.segment, true})
                .first;
        try {
            m_free.insert(freeKey(remainder));
        } catch (...) {
            m_pieces.erase(remainder);
            throw;
        }
        piece->second.sizeBytes = sizeBytes;
    }
    m_free.erase(whole);
    piece->second.free = false;
}

void Arena::release(void* memory) noexcept {
    auto piece = m_pieces.find(static_cast<char*>(memory));
    if (piece == m_pieces.end() || piece->second.free) return;
    m_stats.usedBytes -= piece->second.sizeBytes;
    piece->second.free = true;
    const auto mergeWithNext = [&](Pieces::iterator at) {
        const auto next = std::next(at);
        if (next == m_pieces.end() || !next->second.free) return;
        if (next->second.segment != at->second.segment) return;
        m_free.erase(freeKey(next));
        at->second.sizeBytes += next->second.sizeBytes;
        m_pieces.erase(next);
    };
    mergeWithNext(piece);
    if (piece != m_pieces.begin()) {
        const auto previous = std::prev(piece);
        if (previous->second.free && previous->second.segment == piece->second.segment) {
            m_free.erase(freeKey(previous));
            mergeWithNext(previous);
            piece = previous;
        }
    }
    try {
        m_free.insert(freeKey(piece));
    } catch (const std::bad_alloc&) {
        // Not even memory for the index: the piece is free all the same, and comes back into it
        // with a neighbour that is released later, or goes with its segment.
    }
}

void Arena::trim() {
    for (auto segment = m_segments.begin(); segment != m_segments.end();) {
        const auto piece = m_pieces.find(segment->first);
        if (!piece->second.free || piece->second.sizeBytes != segment->second) {
            ++segment;
            continue;
        }
        m_free.erase(freeKey(piece));
        m_pieces.erase(piece);
        m_source.release(segment->first, segment->second);
        m_stats.reservedBytes -= segment->second;
        segment = m_segments.erase(segment);
    }
}

void Arena::resetPeaks() {
    m_stats.peakUsedBytes = m_stats.usedBytes;
    m_stats.peakReservedBytes = m_stats.reservedBytes;
}

} // namespace kinora::kernels
