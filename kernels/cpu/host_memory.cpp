#include "kernels/cpu/host_memory.h"

#include "kernels/base/rounding.h"

#include <cstdint>
#include <cstdlib>
#include <new>
#include <sys/mman.h>

namespace kinora::kernels::cpu {

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kSmallestMapping = size_t{256} << 10; // below, malloc packs closer
constexpr size_t kAlignment = 64;

// Huge pages need an aligned start: map more, and give the ends back.
void* mapAligned(size_t sizeBytes) {
    const size_t slack = sizeBytes >= kHugePage ? kHugePage : 0;
    void* mapping = mmap(nullptr, sizeBytes + slack, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) return nullptr;
    if (!slack) return mapping;
    const auto start = reinterpret_cast<uintptr_t>(mapping);
    const uintptr_t aligned = roundUp(start, kHugePage);
    if (aligned > start) munmap(mapping, aligned - start);
    const uintptr_t end = start + sizeBytes + slack;
    const uintptr_t alignedEnd = aligned + sizeBytes;
    if (end > alignedEnd) munmap(reinterpret_cast<void*>(alignedEnd), end - alignedEnd);
#ifdef MADV_HUGEPAGE
    madvise(reinterpret_cast<void*>(aligned), sizeBytes, MADV_HUGEPAGE); // a wish: may fail
#endif
    return reinterpret_cast<void*>(aligned);
}

} // namespace

void* allocateHost(size_t sizeBytes) noexcept {
    if (sizeBytes > SIZE_MAX / 2) return nullptr;
    if (sizeBytes < kSmallestMapping)
        return std::aligned_alloc(kAlignment,
                                  roundUp(sizeBytes ? sizeBytes : kAlignment, kAlignment));
    return mapAligned(roundUp(sizeBytes, kPage));
}

void releaseHost(void* memory, size_t sizeBytes) noexcept {
    if (!memory) return;
    if (sizeBytes < kSmallestMapping)
        std::free(memory);
    else
        munmap(memory, roundUp(sizeBytes, kPage));
}

HostBlock::HostBlock(size_t sizeBytes) : m_memory(allocateHost(sizeBytes)), m_sizeBytes(sizeBytes) {
    if (!m_memory) throw std::bad_alloc();
}

} // namespace kinora::kernels::cpu
