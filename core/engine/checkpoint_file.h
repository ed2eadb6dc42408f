#pragma once
// A checkpoint in a file: at most every ten seconds, at once where it matters.

#include "core/engine/checkpoint_store.h"

#include <chrono>
#include <filesystem>
#include <functional>

namespace kinora::core {

class CheckpointFile final : public CheckpointStore {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds kInterval{10};

    // Its folder is there already. now: for tests.
    explicit CheckpointFile(std::filesystem::path path,
                            std::function<Clock::time_point()> now = &Clock::now);

    Result<std::vector<std::byte>> latest() override;
    bool wants(KeepWhen when) override;
    void keep(std::span<const std::byte> bytes, KeepWhen when) override;
    void clear() override;

  private:
    std::filesystem::path m_path;
    std::function<Clock::time_point()> m_now;
    Clock::time_point m_lastTry; // of writing, or when the job began
    bool m_warned = false;       // since it last worked
};

} // namespace kinora::core
