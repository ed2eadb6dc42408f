#include "core/project/task_leases.h"

#include "core/media/text_encoding.h"
#include "core/project/lease_holder.h"
#include "core/project/whole_file.h"
#include "kernels/base/disk_space.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr size_t kLargestLease = 1 << 20;
constexpr const char* kSuffix = ".lease";
constexpr const char* kUnreadable = "unreadable"; // instead of a token

std::string newToken() {
    std::random_device random;
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%08x%08x%08x%08x", random(), random(), random(),
                  random());
    return text.data();
}

milliseconds changeTime(const struct stat& status) {
    return milliseconds(int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000);
}

// The time that the disk's own machine has: its clock and ours need not agree.
std::optional<milliseconds> timeOfDisk(const fs::path& folder) {
    struct stat status{};
    if (::utimensat(AT_FDCWD, folder.c_str(), nullptr, 0) != 0 ||
        ::stat(folder.c_str(), &status) != 0)
        return std::nullopt;
    return changeTime(status);
}

Error leaseError(const fs::path& path, int error) {
    const bool full = isDiskFull(error);
    return Error(full ? ErrorCode::DiskFull : ErrorCode::Io,
                 shownPath(path) + ": " + std::strerror(error) + ".",
                 full ? "Make room on that disk." : "The folder of the results must be writable.");
}

std::optional<LeaseHolder> holderOf(const fs::path& path) {
    const Result<std::string> text = readWholeFile(path, kLargestLease);
    return text ? parseLease(*text) : std::nullopt;
}

} // namespace

TaskLeases::TaskLeases(fs::path folder) : TaskLeases(std::move(folder), Options()) {}

TaskLeases::TaskLeases(fs::path folder, Options options)
    : m_folder(std::move(folder)), m_options(options), m_token(newToken()),
      m_thread([this](std::stop_token stop) { renew(std::move(stop)); }) {}

TaskLeases::~TaskLeases() {
    m_thread.request_stop();
    m_wake.notify_all();
    m_thread.join();
    std::vector<std::string> names;
    for (const auto& [name, unused] : m_held) names.push_back(name);
    for (const std::string& name : names) release(name);
    std::error_code ignored;
    fs::remove(m_folder, ignored); // where it is empty
}

fs::path TaskLeases::pathOf(const std::string& name) const {
    return m_folder / (name + kSuffix);
}

int TaskLeases::create(const fs::path& path) const {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return errno;
    const std::string text = leaseText(thisHolder(m_token));
    const bool written =
        ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    int error = written ? 0 : errno ? errno : ENOSPC;
    if (::close(file) != 0 && error == 0) error = errno;
    if (error != 0) ::unlink(path.c_str());
    return error;
}

// Whoever is done removes the folder where it is empty: perhaps just now. Two that come and go in
// step would miss each other for thousands of times, so this one waits for longer and longer.
int TaskLeases::createInFolder(const fs::path& path) const {
    constexpr auto kFirstPause = 1us, kLongestPause = 10'000us;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
        std::error_code made;
        fs::create_directories(m_folder, made);
        const bool byAnother = made == std::errc::no_such_file_or_directory ||
                               made == std::errc::file_exists; // and gone when it was looked at
        if (made && !byAnother) return made.value();
        const int error = create(path);
        if (error != ENOENT || std::chrono::steady_clock::now() > deadline) return error;
        std::this_thread::sleep_for(pause);
    }
}

bool TaskLeases::isMine(const fs::path& path) const {
    const std::optional<LeaseHolder> holder = holderOf(path);
    return holder && holder->token == m_token;
}

// Only one can give this very lease its new name, which stays until the work is done: who comes
// late and still thinks the old lease lies there finds that name taken.
bool TaskLeases::takeOver(const fs::path& path, const std::string& token) const {
    const fs::path aside = path.string() + "." + token;
    if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, aside.c_str(), RENAME_NOREPLACE) == 0) {
        const std::optional<LeaseHolder> moved = holderOf(aside);
        if (!moved || moved->token == token) return true;
        // The work was finished, and begun anew, between our look and our rename.
        if (::link(aside.c_str(), path.c_str()) == 0) ::unlink(aside.c_str());
        return false;
    }
    if (errno != EINVAL && errno != ENOSYS) return false;
    // The file system does not know that call; a link refuses an existing name as well.
    return ::link(path.c_str(), aside.c_str()) == 0 && ::unlink(path.c_str()) == 0;
}

bool TaskLeases::isGone(const fs::path& path) const {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return false; // released a moment ago
    const std::optional<LeaseHolder> holder = holderOf(path);
    if (holder && stateOf(*holder) == HolderState::Gone) return true;
    // One that lives and does not touch its lease was stopped or is stuck: after a while its work
    // is another's too.
    const std::optional<milliseconds> now = timeOfDisk(m_folder);
    return now && *now - changeTime(status) > m_options.staleAfter;
}

void TaskLeases::sweep() const {
    std::error_code error;
    std::vector<fs::path> leases, aside;
    for (fs::directory_iterator entry(m_folder, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.ends_with(kSuffix)) leases.push_back(entry->path());
        if (name.find(kSuffix + std::string(".")) != std::string::npos)
            aside.push_back(entry->path());
    }
    for (const fs::path& lease : leases) {
        const std::optional<LeaseHolder> holder = holderOf(lease);
        // As one who takes over: a lease that was made anew meanwhile is not taken away.
        if (isGone(lease) && takeOver(lease, holder ? holder->token : kUnreadable))
            fs::remove(lease.string() + "." + (holder ? holder->token : kUnreadable), error);
    }
    for (const fs::path& old : aside)
        if (!fs::exists(old.parent_path() / old.stem(), error)) fs::remove(old, error);
}

Result<LeaseAnswer> TaskLeases::acquire(const std::string& name) {
    const fs::path path = pathOf(name);
    LeaseAnswer answer;
    int error = createInFolder(path);
    if (error == EEXIST) {
        const std::optional<LeaseHolder> holder = holderOf(path);
        answer.holder = holder ? holder->host + ", process " + std::to_string(holder->pid)
                               : std::string("another process");
        if (!isGone(path)) return answer;
        answer.takenOver = takeOver(path, holder ? holder->token : kUnreadable);
        if (!answer.takenOver) return answer;
        error = createInFolder(path);
        if (error == EEXIST) return answer; // another was faster
    }
    if (error != 0) return leaseError(path, error);
    answer.mine = true;
    const std::lock_guard lock(m_mutex);
    m_held[name] = path;
    return answer;
}

void TaskLeases::release(const std::string& name) {
    const std::lock_guard lock(m_mutex);
    const auto held = m_held.find(name);
    if (held == m_held.end()) return;
    const fs::path path = held->second;
    m_held.erase(held);
    if (!isMine(path)) return; // taken over while we were away
    std::error_code ignored;
    fs::remove(path, ignored);
    // Leases that were put aside.
    const std::string prefix = path.filename().string() + ".";
    std::vector<fs::path> aside;
    for (fs::directory_iterator entry(m_folder, ignored), end; !ignored && entry != end;
         entry.increment(ignored))
        if (entry->path().filename().string().starts_with(prefix)) aside.push_back(entry->path());
    for (const fs::path& old : aside) fs::remove(old, ignored);
}

void TaskLeases::renew(std::stop_token stop) {
    std::unique_lock lock(m_mutex);
    while (!m_wake.wait_for(lock, stop, m_options.renewEvery, [] { return false; })) {
        if (stop.stop_requested()) return;
        for (const auto& [name, path] : m_held)
            if (isMine(path)) ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    }
}

} // namespace kinora::core
