#pragma once
// A flag that one thread raises and a computation looks at between blocks of work.
// Copies share the flag. Any thread may call any member.

#include "kernels/base/error.h"

#include <atomic>
#include <memory>

namespace kinora {

class CancelToken {
  public:
    CancelToken() : m_flag(std::make_shared<std::atomic<bool>>(false)) {}

    void cancel() { m_flag->store(true, std::memory_order_relaxed); }
    bool cancelled() const { return m_flag->load(std::memory_order_relaxed); }

    // Throws Cancelled once cancel() was called.
    void check() const {
        if (cancelled()) throw Cancelled{};
    }

  private:
    // Shared: the asker and the computation end in either order.
    std::shared_ptr<std::atomic<bool>> m_flag;
};

} // namespace kinora
