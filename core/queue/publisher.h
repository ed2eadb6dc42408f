#pragma once
// Puts each picture of the queue under its name exactly once, whatever happens between.
//
//   1. the file is written beside its name and flushed
//   2. the intent is logged, with the file's hash, where the ticket still holds
//   3. the file gets its name
//   4. the picture is marked as done
//
// Between any two of these the process may go: settle() finds out which, by the hash, and goes on.
// A user's file is never replaced: where the name was taken meanwhile the picture gets the next
// free one ("fox-2.png"), unless the job was told to overwrite.

#include "core/engine/engine.h"
#include "core/queue/queue_ledger.h"

#include <filesystem>
#include <optional>
#include <string>

namespace kinora::core {

struct PublishedPicture {
    std::filesystem::path path;
    std::string pixelHash; // "sha256:..."
};

class Publisher {
  public:
    explicit Publisher(QueueLedger& ledger) : m_ledger(ledger) {}

    // nullopt: refused, because the ticket is an old one or the picture is there. After an error
    // the same call may be made again. Throws Error{DiskFull, Io ...}.
    std::optional<PublishedPicture> publish(const Ticket& ticket, int64_t picture,
                                            const PictureEvent& event);

    // What a process left that went in between.
    void settle();
    // Files beside the names of pictures that are not there, of a job that was interrupted.
    void sweep(QueueJobId job);

  private:
    enum class Settled { Done, Undone };

    Settled settle(Intent& intent);
    void write(const Intent& intent, std::span<const std::byte> bytes) const;
    // False: the ticket is an old one.
    bool move(Intent& intent, int64_t epoch);
    std::filesystem::path temporaryFor(const Intent& intent) const;

    QueueLedger& m_ledger;
};

// The path, or "name-2.png", "name-3.png" ... where there is something of that name.
std::filesystem::path freeName(const std::filesystem::path& path);

} // namespace kinora::core
