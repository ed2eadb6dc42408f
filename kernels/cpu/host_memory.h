#pragma once
// Memory of the process for tensors and weights: large blocks straight from the kernel in huge
// pages where it has them, so that freeing them gives the memory back at once.

#include <cstddef>
#include <utility>

namespace kinora::kernels::cpu {

// At least 64-byte aligned, uninitialised; null when there is none. sizeBytes must be given back to
// releaseHost as it was.
void* allocateHost(size_t sizeBytes) noexcept;
void releaseHost(void* memory, size_t sizeBytes) noexcept;

// Owns one block. Throws std::bad_alloc.
class HostBlock {
  public:
    HostBlock() = default;
    explicit HostBlock(size_t sizeBytes);
    HostBlock(HostBlock&& other) noexcept
        : m_memory(std::exchange(other.m_memory, nullptr)),
          m_sizeBytes(std::exchange(other.m_sizeBytes, 0)) {}
    HostBlock& operator=(HostBlock&& other) noexcept {
        std::swap(m_memory, other.m_memory);
        std::swap(m_sizeBytes, other.m_sizeBytes);
        return *this;
    }
    ~HostBlock() { releaseHost(m_memory, m_sizeBytes); }

    void* data() const { return m_memory; }
    size_t sizeBytes() const { return m_sizeBytes; }

  private:
    void* m_memory = nullptr;
    size_t m_sizeBytes = 0;
};

} // namespace kinora::kernels::cpu
