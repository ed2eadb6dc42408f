#include "core/project/project_archive.h"

#include "core/media/input_file.h"
#include "core/media/old_temporaries.h"
#include "core/media/publish_file.h"
#include "core/media/text_encoding.h"
#include "core/project/asset_store.h"
#include "core/project/project_document.h"
#include "kernels/base/disk_space.h"
#include "kernels/base/utf8.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>
#include <zip.h>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;

constexpr zip_uint64_t kMostEntries = 1'000'000;
constexpr zip_uint64_t kLargestEntry = zip_uint64_t{64} << 30;
// Deflate makes at most a thousandth of its input; JSON that repeats itself comes near it.
constexpr zip_uint64_t kMostExpansion = 1100;
constexpr zip_uint64_t kSmall = 1 << 20; // below this no ratio is looked at
constexpr size_t kBlock = size_t{1} << 20;
constexpr size_t kLongestName = 1024;
constexpr time_t kFixedTime = 315662400; // 1980-01-02: the same files give the same bytes

struct DiscardArchive {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;
struct CloseEntry {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

Error systemError(const fs::path& path, int error) {
    const bool full = isDiskFull(error);
    return Error(full ? ErrorCode::DiskFull : ErrorCode::Io,
                 shownPath(path) + ": " + std::strerror(error) + ".",
                 full ? "Make room on that disk." : "Choose a folder that can be written to.");
}

[[noreturn]] void refuse(const fs::path& archive, const std::string& what) {
    throw Error(ErrorCode::BadFile, shownPath(archive) + ": " + what,
                "It is damaged, or was made to do harm; nothing was unpacked.");
}

[[noreturn]] void cannotPack(const fs::path& path, const std::error_code& error) {
    throw Error(ErrorCode::Io,
                shownPath(path) + ": cannot be read to be packed: " + error.message() + ".",
                "Nothing was packed. Let it be read, or move it away, and pack again.");
}

// Whether it is packed. Links are not followed: what lies elsewhere is not part of the project.
bool isOwnFile(const fs::directory_entry& entry) {
    std::error_code error;
    const fs::file_status status = entry.symlink_status(error);
    if (status.type() == fs::file_type::none) cannotPack(entry.path(), error);
    return fs::is_regular_file(status);
}

// None where the folder is missing.
std::vector<std::string> filesBelow(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    fs::recursive_directory_iterator entry(folder, error);
    if (error == std::errc::no_such_file_or_directory) return names;
    for (const fs::recursive_directory_iterator end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().filename().native().starts_with('.')) {
            entry.disable_recursion_pending(); // leases, checkpoints, what is being written
            continue;
        }
        if (isOwnFile(*entry))
            names.push_back(entry->path().lexically_relative(folder).generic_string());
    }
    if (error) cannotPack(folder, error);
    std::ranges::sort(names);
    return names;
}

// Of every field that names files, also of those that only a newer version knows; what a person
// wrote is no reference.
void collectAssets(const nlohmann::ordered_json& json, std::set<std::string>& references) {
    if (json.is_string())
        for (std::string& one : assetReferencesIn(json.get_ref<const std::string&>()))
            references.insert(std::move(one));
    if (json.is_array())
        for (const auto& entry : json) collectAssets(entry, references);
    if (!json.is_object()) return;
    constexpr std::string_view kWritten[] = {"prompt", "negative", "note", "grid"};
    for (const auto& [key, value] : json.items())
        if (std::ranges::find(kWritten, key) == std::end(kWritten))
            collectAssets(value, references);
}

// An archive without them would be found wanting where it is unpacked, too late.
void checkAssets(const ProjectDocument& project, const ProjectPaths& paths) {
    std::set<std::string> references;
    collectAssets(project.json(), references);
    const AssetStore assets(paths.assets);
    for (const std::string& reference : references)
        if (const auto found = assets.find(reference); !found)
            throw Error(found.error().code(),
                        "The project needs an asset that cannot be packed. " +
                            found.error().message(),
                        "Nothing was packed. Put a copy of that very file there, from where the "
                        "project came from, and pack again.");
}

bool isPackedAlready(const std::string& name) {
    for (const char* end : {".png", ".jpg", ".webp", ".avif", ".exr", ".tiff", ".safetensors"})
        if (name.ends_with(end)) return true;
    return false;
}

void addFile(zip_t* archive, const fs::path& file, const std::string& name) {
    zip_source_t* source = zip_source_file(archive, file.c_str(), 0, -1);
    const zip_int64_t index =
        source ? zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
        if (source) zip_source_free(source);
        throw Error(ErrorCode::Io,
                    shownPath(file) + ": cannot be packed: " + zip_strerror(archive));
    }
    const auto place = static_cast<zip_uint64_t>(index);
    zip_set_file_compression(archive, place, isPackedAlready(name) ? ZIP_CM_STORE : ZIP_CM_DEFLATE,
                             0);
    zip_file_set_mtime(archive, place, kFixedTime, 0);
}

void packInto(const fs::path& temporary, const ProjectPaths& paths) {
    int code = 0;
    Archive archive(zip_open(temporary.c_str(), ZIP_CREATE | ZIP_EXCL, &code));
    if (!archive) throw systemError(temporary, errno ? errno : EIO);
    addFile(archive.get(), paths.project, paths.project.filename().string());
    std::error_code ignored;
    if (fs::is_regular_file(paths.history, ignored))
        addFile(archive.get(), paths.history, paths.history.filename().string());
    for (const fs::path& folder : {paths.assets, paths.results})
        for (const std::string& name : filesBelow(folder))
            addFile(archive.get(), folder / name, folder.filename().string() + "/" + name);
    if (zip_close(archive.get()) != 0) {
        const int error = zip_error_code_system(zip_get_error(archive.get()));
        throw systemError(temporary, error ? error : EIO);
    }
    archive.release(); // zip_close has freed it
}

Result<void> moveTo(const fs::path& temporary, const fs::path& archive, Overwrite overwrite) {
    const int file = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
    const bool flushed = file >= 0 && (::fsync(file) == 0 || errno == EINVAL);
    const int error = errno;
    if (file >= 0) ::close(file);
    if (!flushed) return systemError(archive, error);
    const unsigned flags = overwrite == Overwrite::Yes ? 0 : RENAME_NOREPLACE;
    if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, archive.c_str(), flags) == 0) return {};
    // The file system does not know that call; a link refuses an existing name as well.
    if (errno == EINVAL && ::link(temporary.c_str(), archive.c_str()) == 0) return {};
    return systemError(archive, errno);
}

// One entry, checked.
struct PlannedEntry {
    zip_uint64_t index = 0;
    std::string name;
    zip_uint64_t bytes = 0;
};

void checkAttributes(zip_t* archive, zip_uint64_t index, const fs::path& path,
                     const std::string& shown) {
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_file_get_external_attributes(archive, index, 0, &system, &attributes);
    const auto type = static_cast<mode_t>(attributes >> 16) & S_IFMT;
    if (system == ZIP_OPSYS_UNIX && type != 0 && type != S_IFREG && type != S_IFDIR)
        refuse(path, shown + " is a link or a device.");
}

std::vector<PlannedEntry> plannedEntries(zip_t* archive, const fs::path& path) {
    const zip_int64_t count = zip_get_num_entries(archive, 0);
    if (count < 0 || static_cast<zip_uint64_t>(count) > kMostEntries)
        refuse(path, "it has more than a million entries.");
    std::vector<PlannedEntry> entries;
    std::set<std::string> names;
    for (zip_uint64_t index = 0; index < static_cast<zip_uint64_t>(count); ++index) {
        zip_stat_t status;
        zip_stat_init(&status);
        const char* raw = zip_get_name(archive, index, ZIP_FL_ENC_RAW);
        constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
        if (!raw || zip_stat_index(archive, index, 0, &status) != 0 ||
            (status.valid & kNeeded) != kNeeded)
            refuse(path, "an entry of it cannot be read.");
        const std::string name = raw;
        const std::string shown = "'" + repairedUtf8(name.substr(0, 80)) + "'";
        const bool isFolder = name.ends_with('/');
        if (!isSafeArchiveName(isFolder ? name.substr(0, name.size() - 1) : name))
            refuse(path, "the name " + shown + " may lead out of the folder.");
        checkAttributes(archive, index, path, shown);
        if (isFolder) continue;
        if (!names.insert(name).second) refuse(path, shown + " is there twice.");
        if (status.size > kLargestEntry ||
            (status.size > kSmall && status.size / kMostExpansion > status.comp_size))
            refuse(path, shown + " unpacks to more than it can hold.");
        entries.push_back({index, name, status.size});
    }
    return entries;
}

void writeAll(int file, const char* bytes, size_t size, const fs::path& path) {
    while (size > 0) {
        const ssize_t written = ::write(file, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw systemError(path, errno);
        bytes += written;
        size -= static_cast<size_t>(written);
    }
}

// Of all bytes; looks at the token on the way.
class UnpackProgress {
  public:
    UnpackProgress(const std::vector<PlannedEntry>& entries, const CancelToken& cancel,
                   const std::function<void(double)>& told)
        : m_cancel(cancel), m_told(told) {
        for (const PlannedEntry& entry : entries) m_all += entry.bytes;
    }
    void add(zip_uint64_t bytes) {
        m_done += bytes;
        m_cancel.check();
        if (m_told)
            m_told(m_all == 0 ? 1 : static_cast<double>(m_done) / static_cast<double>(m_all));
    }

  private:
    const CancelToken& m_cancel;
    const std::function<void(double)>& m_told;
    zip_uint64_t m_all = 0, m_done = 0;
};

void unpackEntry(zip_t* archive, const PlannedEntry& entry, const fs::path& folder,
                 const fs::path& shown, UnpackProgress& progress) {
    const fs::path path = folder / entry.name;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) throw systemError(path.parent_path(), error.value());
    const Entry file(zip_fopen_index(archive, entry.index, 0));
    if (!file) refuse(shown, "'" + entry.name + "' cannot be unpacked (is it encrypted?).");
    const int out =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (out < 0) throw systemError(path, errno);
    const std::unique_ptr<const int, void (*)(const int*)> closing(
        &out, [](const int* descriptor) { ::close(*descriptor); });
    std::vector<char> block(kBlock);
    zip_uint64_t done = 0;
    while (true) {
        const zip_int64_t got = zip_fread(file.get(), block.data(), block.size());
        if (got < 0) refuse(shown, "'" + entry.name + "' is damaged.");
        progress.add(static_cast<zip_uint64_t>(got));
        if (got == 0) break;
        done += static_cast<zip_uint64_t>(got);
        if (done > entry.bytes) refuse(shown, "'" + entry.name + "' is larger than it says.");
        writeAll(out, block.data(), static_cast<size_t>(got), path);
    }
    if (done != entry.bytes) refuse(shown, "'" + entry.name + "' is shorter than it says.");
    if (::fsync(out) != 0 && errno != EINVAL) throw systemError(path, errno);
}

// Removed with what is in it, but for the one that succeeds.
class PendingFolder {
  public:
    explicit PendingFolder(const fs::path& final) : m_final(final) {
        const fs::path beside = final.parent_path().empty() ? "." : final.parent_path();
        removeOldTemporaries(beside);
        std::string name = (beside / ".kinora-unpack-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw systemError(beside, errno);
        m_path = name;
        ::chmod(m_path.c_str(), 0755);
    }
    ~PendingFolder() {
        std::error_code ignored;
        if (!m_path.empty()) fs::remove_all(m_path, ignored);
    }
    PendingFolder(const PendingFolder&) = delete;
    PendingFolder& operator=(const PendingFolder&) = delete;

    const fs::path& path() const { return m_path; }
    void publish() {
        if (::renameat2(AT_FDCWD, m_path.c_str(), AT_FDCWD, m_final.c_str(), RENAME_NOREPLACE) !=
                0 &&
            (errno != EINVAL || ::rename(m_path.c_str(), m_final.c_str()) != 0))
            throw systemError(m_final, errno);
        m_path.clear();
    }

  private:
    fs::path m_final, m_path;
};

// Before anything is written: an archive may say that it holds any amount.
void refuseWithoutRoom(const fs::path& archive, const fs::path& folder,
                       const std::vector<PlannedEntry>& entries) {
    static_assert(kMostEntries <= UINT64_MAX / kLargestEntry); // the sum fits
    zip_uint64_t bytes = 0;
    for (const PlannedEntry& entry : entries) bytes += entry.bytes;
    const std::optional<uint64_t> room = freeDiskBytes(folder);
    if (room && bytes > *room)
        throw Error(ErrorCode::DiskFull,
                    shownPath(archive) + ": it unpacks to " + std::to_string(bytes) +
                        " bytes, and " + std::to_string(*room) + " are free.",
                    "Make room on that disk, or name a folder on another: --output DIR");
}

fs::path unpack(const fs::path& archivePath, const fs::path& folder, const CancelToken& cancel,
                const std::function<void(double)>& told) {
    const Result<InputFile> file = InputFile::open(archivePath);
    if (!file) throw file.error();
    int code = 0;
    const Archive archive(
        zip_open(file->descriptorPath().c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
    if (!archive) refuse(archivePath, "this is no zip file, or a damaged one.");
    const std::vector<PlannedEntry> entries = plannedEntries(archive.get(), archivePath);
    std::string project;
    for (const PlannedEntry& entry : entries)
        if (entry.name.ends_with(".kinora") && entry.name.find('/') == std::string::npos) {
            if (!project.empty()) refuse(archivePath, "it holds more than one project.");
            project = entry.name;
        }
    if (project.empty()) refuse(archivePath, "there is no project in it.");
    refuseWithoutRoom(archivePath, folder, entries);
    PendingFolder pending(folder);
    UnpackProgress progress(entries, cancel, told);
    for (const PlannedEntry& entry : entries)
        unpackEntry(archive.get(), entry, pending.path(), archivePath, progress);
    if (const auto loaded = ProjectDocument::load(pending.path() / project); !loaded)
        refuse(archivePath, "its project cannot be read. " + loaded.error().message());
    pending.publish();
    return folder / project;
}

} // namespace

bool isSafeArchiveName(std::string_view name) {
    if (name.empty() || name.size() > kLongestName || !isValidUtf8(name)) return false;
    for (const char c : name)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\' || c == ':')
            return false;
    while (true) {
        const size_t end = std::min(name.find('/'), name.size());
        const std::string_view part = name.substr(0, end);
        if (part.empty() || part == "." || part.starts_with("..")) return false;
        if (end == name.size()) return true;
        name.remove_prefix(end + 1);
    }
}

Result<void> packProject(const ProjectPaths& paths, const fs::path& archive, Overwrite overwrite) {
    try {
        const auto project = ProjectDocument::load(paths.project);
        if (!project) return project.error();
        if (auto possible = checkCanPublish(archive, overwrite); !possible) return possible;
        checkAssets(*project, paths);
        const fs::path beside = archive.parent_path().empty() ? "." : archive.parent_path();
        std::string folder = (beside / ".kinora-pack-XXXXXX").string();
        if (!::mkdtemp(folder.data())) return systemError(beside, errno);
        removeOldTemporaries(beside);
        const fs::path temporary = fs::path(folder) / "pack.zip";
        const std::unique_ptr<const std::string, void (*)(const std::string*)> removing(
            &folder, [](const std::string* made) {
                std::error_code ignored;
                fs::remove_all(*made, ignored);
            });
        packInto(temporary, paths);
        return moveTo(temporary, archive, overwrite);
    } catch (const Error& error) {
        return error;
    }
}

Result<fs::path> unpackProject(const fs::path& archive, const fs::path& folder,
                               const CancelToken& cancel,
                               const std::function<void(double)>& progress) {
    try {
        std::error_code ignored;
        if (fs::exists(fs::symlink_status(folder, ignored)))
            return Error(ErrorCode::InvalidArgument, shownPath(folder) + " is there already.",
                         "Name a folder that is not: --output DIR");
        return unpack(archive, folder, cancel, progress);
    } catch (const Error& error) {
        return error;
    }
}

} // namespace kinora::core
