#pragma once
// What a job does with its checkpoint from its beginning to its end. Without a store every call
// does nothing.
//
//     JobCheckpoint checkpoint(store);
//     Prepared prepared = prepare(checkpoint.withSeed(request));
//     const PassState* from = checkpoint.begin(identity, fits);  // then resumed() says how it went
//     walk.run(from);                                           // hooks.state: checkpoint.offer
//     checkpoint.clear();                                        // or leave()

#include "core/engine/checkpoint.h"
#include "core/engine/checkpoint_store.h"
#include "core/engine/engine.h"
#include "pipelines/image/run_state.h"

#include <functional>
#include <optional>
#include <string>

namespace kinora::core {

class JobCheckpoint {
  public:
    // Reads what is kept; trouble with that is a reason to begin again. Borrows the store, which
    // may be null.
    explicit JobCheckpoint(CheckpointStore* store);

    // The request, with the seed that was drawn for it before it was interrupted.
    pipelines::ImageRequest withSeed(const pipelines::ImageRequest& request) const;

    // The request; where it leaves tiling open, with what was chosen before it was interrupted:
    // with another it could not go on.
    pipelines::ImageRequest withTiling(const pipelines::ImageRequest& request) const;

    // Whether the run goes on: where from, and nullptr for the beginning. fits throws Error where
    // the job cannot go on from a state, and says where it does. Until the job ends the pointer is
    // valid.
    struct Place {
        int64_t picture = 0, step = 0; // the first of the batch that goes on, its steps so far
    };
    using Fits = std::function<Place(const PassState&)>;
    const PassState* begin(RunIdentity identity, const Fits& fits);
    // Set where something had been kept: how the job goes on, or why it begins again. After
    // begin().
    const std::optional<ResumedEvent>& resumed() const { return m_resumed; }

    // As the walk offers it. Copies the state, and keeps it where it is time.
    void offer(pipelines::RunMoment moment, const std::function<PassState()>& state);

    // The job is interrupted and goes on another time: keeps what was offered last.
    void leave();
    // The job is over.
    void clear();

  private:
    void keep(KeepWhen when, bool left);

    CheckpointStore* m_store;
    std::optional<Checkpoint> m_kept; // by whoever ran the job before
    std::string m_unreadable;         // why what is kept cannot be read
    std::optional<ResumedEvent> m_resumed;
    Checkpoint m_latest;    // of this run
    bool m_offered = false; // m_latest has a state
};

} // namespace kinora::core
