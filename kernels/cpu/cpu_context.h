#pragma once
// The state of one open CPU device: its threads, its oneDNN engine, its last error. Private to
// kernels/cpu.

#include "kernels/backend/backend_table.h"
#include "kernels/backend/unread_addresses.h"
#include "kernels/base/error.h"
#include "kernels/base/rounding.h"

#include <omp.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

namespace kinora::kernels::cpu {

struct DnnlState; // engine, stream and cached primitives: dnnl_state.h

} // namespace kinora::kernels::cpu

namespace kinora::kernels {

struct Context {
    HostServices host{};
    int threads = 1;
    std::string lastError;
    std::shared_ptr<cpu::DnnlState> dnnl; // shared: only so that the type may stay incomplete here
    // Set on a device that plans: its ops take the memory that they need and compute nothing.
    std::optional<UnreadAddresses> planned;

    bool planning() const { return planned.has_value(); }
    bool cancelled() const { return host.cancelled && host.cancelled(host.host); }
};

} // namespace kinora::kernels

namespace kinora::kernels::cpu {

// Runs body(begin, end) over [0, count) on the context's threads, each a contiguous range of at
// least `grain` items. Which thread gets what never changes a result: ranges must not share sums.
// OpenMP, because oneDNN's own team is then reused and does not compete with a second pool.
template <typename Body>
void parallelFor(const Context& context, int64_t count, int64_t grain, const Body& body) {
    if (count <= 0) return;
    const int64_t most = grain > 0 ? ceilDiv(count, grain) : count;
    const int threads = static_cast<int>(most < context.threads ? most : context.threads);
    if (threads <= 1) {
        body(int64_t{0}, count);
        return;
    }
#pragma omp parallel num_threads(threads)
    {
        const int64_t index = omp_get_thread_num();
        const int64_t team = omp_get_num_threads();
        const int64_t begin = count * index / team;
        const int64_t end = count * (index + 1) / team;
        if (begin < end) body(begin, end);
    }
}

// Runs an op and turns what it throws into a Status and a sentence for lastError.
template <typename Op> Status guarded(Context* context, const Op& op) {
    try {
        op();
        return Status::Ok;
    } catch (const Cancelled&) {
        return Status::Cancelled;
    } catch (const std::bad_alloc&) {
        context->lastError = "no memory left";
        return Status::OutOfMemory;
    } catch (const std::exception& error) {
        context->lastError = error.what();
        return Status::Failed;
    }
}

// Memory from the arena for the length of a scope. Throws std::bad_alloc.
class Scratch {
  public:
    Scratch(Context& context, size_t sizeBytes)
        : m_context(context), m_memory(context.host.allocate(context.host.host, sizeBytes)) {
        if (!m_memory) throw std::bad_alloc();
    }
    ~Scratch() { m_context.host.release(m_context.host.host, m_memory); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    template <typename T> T* as() const { return static_cast<T*>(m_memory); }

  private:
    Context& m_context;
    void* m_memory;
};

} // namespace kinora::kernels::cpu
