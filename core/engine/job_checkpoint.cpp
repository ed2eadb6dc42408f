#include "core/engine/job_checkpoint.h"

#include "kernels/base/log.h"

#include <utility>

namespace kinora::core {

using pipelines::ImageRequest;
using pipelines::RunMoment;

JobCheckpoint::JobCheckpoint(CheckpointStore* store) : m_store(store) {
    if (!m_store) return;
    try {
        const Result<std::vector<std::byte>> bytes = m_store->latest();
        if (!bytes) throw bytes.error();
        if (bytes->empty()) return;
        Result<Checkpoint> kept = checkpointFromBytes(*bytes);
        if (!kept) throw kept.error();
        m_kept = std::move(*kept);
    } catch (const Error& error) {
        m_unreadable = error.message();
    } catch (const std::exception&) { // memory ran out
        m_unreadable = "what was kept does not fit into memory";
    }
}

ImageRequest JobCheckpoint::withSeed(const ImageRequest& request) const {
    ImageRequest seeded = request;
    if (!seeded.seed && m_kept) seeded.seed = seedOf(m_kept->run);
    return seeded;
}

ImageRequest JobCheckpoint::withTiling(const ImageRequest& request) const {
    ImageRequest tiled = request;
    if (tiled.tiling == "auto" && m_kept)
        if (const auto tiling = tilingOf(m_kept->run)) tiled.tiling = *tiling;
    return tiled;
}

const PassState* JobCheckpoint::begin(RunIdentity identity, const Fits& fits) {
    m_latest.run = std::move(identity);
    if (!m_kept && m_unreadable.empty()) return nullptr;
    ResumedEvent event;
    event.interruption =
        m_kept && m_kept->left ? "the program was closed" : "the program ended before the job did";
    event.fromBeginningBecause = m_kept ? whyNot(m_kept->run, m_latest.run) : m_unreadable;
    if (event.fromBeginningBecause.empty()) {
        try {
            const Place place = fits(m_kept->state);
            event.picture = place.picture;
            event.step = place.step;
        } catch (const Error& error) {
            event.fromBeginningBecause = error.message();
        }
    }
    const bool goesOn = event.fromBeginningBecause.empty();
    if (goesOn) {
        m_latest.state = m_kept->state; // until there is more
        m_offered = true;
    }
    m_resumed = std::move(event);
    return goesOn ? &m_kept->state : nullptr;
}

void JobCheckpoint::offer(RunMoment moment, const std::function<PassState()>& state) {
    if (!m_store) return;
    m_latest.state = state();
    m_offered = true;
    keep(moment == RunMoment::Step ? KeepWhen::Due : KeepWhen::Now, false);
}

void JobCheckpoint::leave() {
    if (m_offered) keep(KeepWhen::Now, true);
}

void JobCheckpoint::clear() {
    if (m_store) m_store->clear();
}

void JobCheckpoint::keep(KeepWhen when, bool left) {
    if (!m_store || !m_store->wants(when)) return;
    m_latest.left = left;
    try {
        m_store->keep(toBytes(m_latest), when);
    } catch (const std::exception& error) { // memory ran out: the job itself may still fit
        logMessage(LogLevel::Warning,
                   std::string("How far the job is cannot be kept; it goes on. ") + error.what());
    }
}

} // namespace kinora::core
