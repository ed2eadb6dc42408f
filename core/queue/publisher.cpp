#include "core/queue/publisher.h"

#include "core/library/file_hash.h"
#include "core/media/image_encode.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"
#include "kernels/base/atomic_file.h"
#include "kernels/base/disk_space.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

constexpr int kMostNames = 10000; // tried for one picture

bool isThere(const fs::path& path) {
    struct stat status{};
    return lstat(path.c_str(), &status) == 0;
}

// Digits, or empty where there is no such file. Throws Error{Io}: there may be one, and what it is
// can be told when its disk can be read again.
std::string hashOf(const fs::path& path) {
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        throw Error(ErrorCode::Io, shownPath(path) + ": " + std::strerror(errno) + ".",
                    "It may be a picture of this job. Try the job again when it can be read.");
    }
    if (!S_ISREG(status.st_mode)) return {};
    const Result<std::string> hash = FileHashes({}).hash(path, {});
    if (!hash && hash.error().code() == ErrorCode::Io) throw hash.error();
    return hash ? *hash : std::string();
}

AtomicFile::Replace replaceFor(const Intent& intent) {
    return intent.overwrite == Overwrite::Yes ? AtomicFile::Replace::Yes : AtomicFile::Replace::No;
}

std::string digestOf(std::span<const std::byte> bytes) {
    Sha256 hash;
    hash.add(bytes);
    return hash.digits();
}

} // namespace

fs::path freeName(const fs::path& path) {
    if (!isThere(path)) return path;
    for (int number = 2; number < kMostNames; ++number) {
        const fs::path next =
            path.parent_path() /
            (path.stem().native() + "-" + std::to_string(number) + path.extension().native());
        if (!isThere(next)) return next;
    }
    throw Error(ErrorCode::InvalidArgument,
                shownPath(path) + ": there are too many files of that name.",
                "Move some away, and try the job again.");
}

std::optional<PublishedPicture> Publisher::publish(const Ticket& ticket, int64_t picture,
                                                   const PictureEvent& event) {
    Intent intent;
    ItemState state = m_ledger.item(ticket.job.id, picture, intent);
    if (state == ItemState::Publishing && settle(intent) == Settled::Done)
        return PublishedPicture{intent.path, intent.pixelHash};
    if (state == ItemState::Done) return std::nullopt;

    const auto provenance =
        ticket.job.output.metadata ? std::optional(event.provenance) : std::nullopt;
    const Result<std::vector<std::byte>> bytes =
        encodeImage(event.image, ticket.job.output.format, provenance);
    if (!bytes)
        throw Error(bytes.error().code(), shownPath(intent.path) + ": " + bytes.error().message(),
                    bytes.error().advice());
    intent.temporary = temporaryFor(intent);
    intent.fileHash = digestOf(*bytes);
    intent.pixelHash = pixelHash(event.image);
    write(intent, *bytes);
    if (!move(intent, ticket.epoch)) {
        ::unlink(intent.temporary.c_str());
        return std::nullopt;
    }
    m_ledger.published(intent);
    return PublishedPicture{intent.path, intent.pixelHash};
}

void Publisher::write(const Intent& intent, std::span<const std::byte> bytes) const {
    std::error_code error;
    fs::create_directories(intent.path.parent_path(), error);
    if (error)
        throw Error(isDiskFull(error.value()) ? ErrorCode::DiskFull : ErrorCode::Io,
                    shownPath(intent.path.parent_path()) +
                        ": the folder cannot be made: " + error.message() + ".",
                    "Make it, and try the job again.");
    AtomicFile file(intent.path, intent.temporary, shownPath(intent.path));
    file.write(bytes);
    file.leaveBeside();
}

bool Publisher::move(Intent& intent, int64_t epoch) {
    const fs::path wanted = intent.path;
    for (int tries = 0;; ++tries) {
        if (intent.overwrite == Overwrite::No) intent.path = freeName(wanted);
        if (!m_ledger.intend(intent, epoch)) return false;
        try {
            moveIntoPlace(intent.temporary, intent.path, shownPath(intent.path),
                          replaceFor(intent));
            return true;
        } catch (const Error& error) {
            // The name was taken since it was looked for: another one is.
            const bool taken = error.code() == ErrorCode::InvalidArgument && tries < kMostNames;
            if (taken && intent.overwrite == Overwrite::No) continue;
            if (hashOf(intent.path) == intent.fileHash) return true; // it moved all the same
            m_ledger.forgetIntent(intent);
            ::unlink(intent.temporary.c_str());
            throw;
        }
    }
}

Publisher::Settled Publisher::settle(Intent& intent) {
    intent.temporary = temporaryFor(intent);
    if (intent.fileHash.empty() || hashOf(intent.path) != intent.fileHash) {
        if (intent.fileHash.empty() || hashOf(intent.temporary) != intent.fileHash) {
            m_ledger.forgetIntent(intent);
            return Settled::Undone;
        }
        if (intent.overwrite == Overwrite::No) intent.path = freeName(intent.path);
        m_ledger.moveIntent(intent);
        moveIntoPlace(intent.temporary, intent.path, shownPath(intent.path), replaceFor(intent));
    }
    ::unlink(intent.temporary.c_str()); // where a link was made, and the name beside it stayed
    m_ledger.published(intent);
    return Settled::Done;
}

void Publisher::settle() {
    for (Intent& intent : m_ledger.openIntents()) {
        try {
            settle(intent);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::DiskFull || error.code() == ErrorCode::Busy) throw;
            // The job will meet the same trouble, and tell it. What cannot be read now may be its
            // picture: that is settled when the job is tried again.
            if (error.code() != ErrorCode::Io) m_ledger.forgetIntent(intent);
        }
    }
}

void Publisher::sweep(QueueJobId job) {
    for (const Intent& intent : m_ledger.missingPictures(job))
        ::unlink(temporaryFor(intent).c_str());
}

fs::path Publisher::temporaryFor(const Intent& intent) const {
    return intent.path.parent_path() /
           (".kinora-" + m_ledger.queueName() + "-" + std::to_string(intent.job) + "-" +
            std::to_string(intent.picture) + ".tmp");
}

} // namespace kinora::core
