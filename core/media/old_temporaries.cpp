#include "core/media/old_temporaries.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

constexpr auto kSurelyLeft = std::chrono::hours(1); // no single block takes that long to write

// ".kinora-0123456789abcdef.tmp": the queue's own have more before the end.
bool isAtomicFile(std::string_view name) {
    constexpr std::string_view kStart = ".kinora-", kEnd = ".tmp";
    constexpr size_t kDigits = 16;
    return name.size() == kStart.size() + kDigits + kEnd.size() && name.starts_with(kStart) &&
           name.ends_with(kEnd) &&
           name.substr(kStart.size(), kDigits).find_first_not_of("0123456789abcdef") ==
               std::string_view::npos;
}

bool isPacking(std::string_view name) {
    return name.starts_with(".kinora-pack-") || name.starts_with(".kinora-unpack-");
}

fs::file_time_type changed(const fs::path& path) {
    std::error_code error;
    const auto time = fs::last_write_time(path, error);
    return error ? fs::file_time_type::max() : time; // whose age is unknown is not old
}

// Of a folder, or anything in it.
fs::file_time_type lastChanged(const fs::path& folder) {
    auto latest = changed(folder);
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
        latest = std::max(latest, changed(entry->path()));
    return error ? fs::file_time_type::max() : latest;
}

bool isOld(fs::file_time_type time) {
    return time != fs::file_time_type::max() &&
           fs::file_time_type::clock::now() - time > kSurelyLeft;
}

} // namespace

void removeOldTemporaries(const fs::path& folder) {
    std::vector<fs::path> old;
    std::error_code error, ignored;
    for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end;
         !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (!isAtomicFile(name) && !isPacking(name)) continue;
        const fs::file_type type = entry->symlink_status(ignored).type();
        if (type == fs::file_type::regular && isAtomicFile(name) && isOld(changed(entry->path())))
            old.push_back(entry->path());
        if (type == fs::file_type::directory && isPacking(name) &&
            isOld(lastChanged(entry->path())))
            old.push_back(entry->path());
    }
    for (const fs::path& path : old) fs::remove_all(path, ignored);
}

} // namespace kinora::core
