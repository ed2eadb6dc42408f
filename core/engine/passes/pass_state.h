#pragma once
// How far a job of passes is: what a checkpoint keeps of it.

#include "pipelines/image/run_part.h"
#include "pipelines/image/run_state.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace kinora::core {

struct PassState {
    int64_t round = 0;                      // those before it have handed out their pictures
    int64_t pass = 0;                       // of the list
    std::optional<pipelines::RunState> run; // of the pass; none: it begins
    // What the pass takes from the one before: the batches from the one at work on, or the picture.
    std::vector<pipelines::BegunBatch> taken;
    pipelines::HostTensor picture; // [H,W,3 or 4] in 0..1, of the pass's size
    // What it leaves to the next one: the batches before the one at work.
    std::vector<pipelines::BegunBatch> handed;

    friend bool operator==(const PassState&, const PassState&) = default;
};

} // namespace kinora::core
