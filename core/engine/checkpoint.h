#pragma once
// How far an interrupted job was, as bytes that survive the process: the state of its run, and what
// has to be the same for it to go on to the same bytes.
//
//     store.keep(toBytes({identity, state}), KeepWhen::Due);
//     ...
//     const Result<Checkpoint> kept = checkpointFromBytes(*store.latest());
//     if (kept && whyNot(kept->run, identity).empty()) walk.run(&kept->state);

#include "core/engine/passes/pass_state.h"
#include "kernels/base/result.h"
#include "pipelines/request/image_request.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kinora::core {

// The request and all else that decides a run's bytes.
struct RunIdentity {
    std::string request;       // as requestIdentity() gives it
    std::string engineVersion; // "kinora 0.1.0 (abc1234)"
    std::string device;        // the plan: the device's name, how precise, how many threads
    std::string precision;
    int threads = 0;
    std::string model;  // that their files are the same: their names, sizes and times, hashed
    std::string inputs; // hashes of the files that it begins from, joined; usually empty

    friend bool operator==(const RunIdentity&, const RunIdentity&) = default;
};

struct Checkpoint {
    RunIdentity run;
    PassState state;
    bool left = false; // kept as the program ended in good order, not on the way

    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// Canonical JSON of a resolved request, without what does not decide its pictures: where latents
// are read and written, previews.
std::string requestIdentity(const pipelines::ImageRequest& request);
// The seed in it: one that was drawn for a request without a seed.
std::optional<int64_t> seedOf(const RunIdentity& run);
// "on" or "off": what was chosen for it. nullopt where it says neither.
std::optional<std::string> tilingOf(const RunIdentity& run);

// A magic word, the format's version, a length and a SHA-256, then the rest.
std::vector<std::byte> toBytes(const Checkpoint& checkpoint);
// Hostile input: nothing is believed before the hash agrees, and every size is checked after that
// too. Error{BadFile, Unsupported}: a clause ("what was kept is cut short") without the file.
Result<Checkpoint> checkpointFromBytes(std::span<const std::byte> bytes);

// Why a run cannot go on from what another one left, as a clause: "it was begun by kinora 0.1.0
// (abc1234)". Empty where it can.
std::string whyNot(const RunIdentity& kept, const RunIdentity& now);

} // namespace kinora::core
