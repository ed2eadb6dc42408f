#pragma once
// A checkpoint in memory, as a supervisor holds it for a worker; it writes down what it is given.

#include "core/engine/checkpoint.h"
#include "core/engine/checkpoint_store.h"

#include <vector>

namespace kinora::test {

class MemoryCheckpoint final : public core::CheckpointStore {
  public:
    Result<std::vector<std::byte>> latest() override {
        if (fails) return Error(ErrorCode::Io, "what was kept cannot be read");
        return bytes;
    }
    bool wants(core::KeepWhen when) override { return when == core::KeepWhen::Now || due; }
    void keep(std::span<const std::byte> kept, core::KeepWhen when) override {
        bytes.assign(kept.begin(), kept.end());
        all.push_back(bytes);
        moments.push_back(when);
    }
    void clear() override { bytes.clear(); }

    core::Checkpoint read() const { return *core::checkpointFromBytes(bytes); }

    std::vector<std::byte> bytes;
    std::vector<std::vector<std::byte>> all; // that were kept, and when
    std::vector<core::KeepWhen> moments;
    bool due = true, fails = false;
};

} // namespace kinora::test
