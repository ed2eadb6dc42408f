#pragma once
// Addresses for memory that nobody reads or writes, as a plan needs them: distinct, aligned, and
// not null. They are never used again, so nothing is given back.

#include "kernels/tensor/arena.h"

#include <cstddef>
#include <cstdint>

namespace kinora::kernels {

class UnreadAddresses {
  public:
    // Null where there are no more.
    void* take(size_t sizeBytes) {
        const uintptr_t address = m_next;
        const size_t aligned = (sizeBytes + Arena::kAlignment - 1) & ~(Arena::kAlignment - 1);
        if (aligned < sizeBytes || address + aligned < address) return nullptr;
        m_next += aligned;
        return reinterpret_cast<void*>(address);
    }

  private:
    uintptr_t m_next = uintptr_t{1} << 40;
};

} // namespace kinora::kernels
