#include "app/cli/output_names.h"

#include "core/media/file_name_part.h"
#include "kernels/base/disk_space.h"

#include <QDate>
#include <QString>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <string_view>
#include <unistd.h>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultPattern = "{index}-{prompt}-{seed}";
constexpr size_t kLongestPart = 80;
// File systems take 255 bytes; the file beside the final name, that is renamed, is a little longer.
constexpr size_t kLongestName = 230;

std::string extensionOf(core::ImageFormat format) {
    switch (format) {
    case core::ImageFormat::Png: return ".png";
    case core::ImageFormat::Jpeg: return ".jpg";
    case core::ImageFormat::Webp: return ".webp";
    case core::ImageFormat::Tiff: return ".tiff";
    case core::ImageFormat::Exr: return ".exr";
    case core::ImageFormat::Avif: return ".avif";
    }
    return ".png";
}

core::ImageFormat orThrow(const Result<core::ImageFormat>& format) {
    if (!format) throw format.error();
    return *format;
}

bool endsAsFolder(const std::string& output) {
    return output.ends_with('/') || output == "." || output.ends_with("/.") || output == ".." ||
           output.ends_with("/..");
}

// --output as a pattern: the folder, the name without extension, and the extension.
struct Pattern {
    fs::path folder;
    std::string name;
    std::string extension;
    bool hasFields = true; // a plain file name is taken as it is
    bool makeFolder = true;
    core::ImageFormat format = core::ImageFormat::Png;
};

Pattern patternOf(const OutputRequest& request) {
    Pattern pattern;
    if (request.format) pattern.format = orThrow(core::imageFormatFromName(*request.format));
    pattern.extension = extensionOf(pattern.format);
    std::error_code ignored;
    if (!request.output) {
        pattern.folder = request.defaultFolder;
        pattern.name = kDefaultPattern;
        return pattern;
    }
    const std::string& output = *request.output;
    if (output.empty())
        throw Error(ErrorCode::InvalidArgument, "--output is empty.",
                    "Give a file, a folder or a pattern, or leave it out.");
    if (output.find('\0') != std::string::npos)
        throw Error(ErrorCode::InvalidArgument, "--output has a zero byte in it.", "Take it out.");
    if (endsAsFolder(output) || fs::is_directory(output, ignored)) {
        pattern.folder = output;
        pattern.name = kDefaultPattern;
        return pattern;
    }
    const fs::path path(output);
    pattern.hasFields = output.find('{') != std::string::npos;
    pattern.makeFolder = pattern.hasFields;
    pattern.folder = path.parent_path();
    pattern.name = path.stem().string();
    if (const std::string extension = path.extension().string(); !extension.empty()) {
        pattern.extension = extension;
        if (!request.format) pattern.format = orThrow(core::imageFormatFromPath(path));
    }
    return pattern;
}

std::string indexText(int64_t index) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%05lld", static_cast<long long>(index));
    return text.data();
}

class Namer {
  public:
    Namer(const OutputRequest& request, const Pattern& pattern)
        : m_request(request), m_pattern(pattern),
          m_date(QDate::currentDate().toString(Qt::ISODate).toStdString()) {}

    std::string expand(const std::string& text, int64_t picture, int64_t index) const {
        if (!m_pattern.hasFields) return text;
        std::string result;
        for (size_t at = 0; at < text.size();) {
            if (text[at] != '{') {
                result += text[at++];
                continue;
            }
            const size_t end = text.find('}', at);
            if (end == std::string::npos)
                throw Error(ErrorCode::InvalidArgument, "--output: a '{' without its '}'.",
                            "The fields are {seed}, {index}, {prompt}, {model} and {date}.");
            result += field(text.substr(at + 1, end - at - 1), picture, index);
            at = end + 1;
        }
        return result;
    }

  private:
    std::string field(const std::string& name, int64_t picture, int64_t index) const {
        if (name == "seed") return std::to_string(m_request.seed + picture);
        if (name == "index") return indexText(index + picture);
        if (name == "prompt") return core::fileNamePart(m_request.prompt, kLongestPart);
        if (name == "model") return core::fileNamePart(m_request.model, kLongestPart);
        if (name == "date") return m_date;
        throw Error(ErrorCode::InvalidArgument, "--output: there is no field {" + name + "}.",
                    "The fields are {seed}, {index}, {prompt}, {model} and {date}.");
    }

    const OutputRequest& m_request;
    const Pattern& m_pattern;
    std::string m_date;
};

// The number that stands in `name` after `prefix`; 0 where there is none.
int64_t numberAfter(const std::string& name, const std::string& prefix) {
    constexpr size_t kMostDigits = 9;
    if (!name.starts_with(prefix)) return 0;
    size_t stop = prefix.size();
    while (stop < name.size() && name[stop] >= '0' && name[stop] <= '9') ++stop;
    const size_t digits = stop - prefix.size();
    if (digits == 0 || digits > kMostDigits) return 0;
    return std::stoll(name.substr(prefix.size(), digits));
}

// One more than the highest number that stands after `prefix` in the folder's names, those that are
// promised included.
int64_t nextIndex(const fs::path& folder, const std::string& prefix,
                  const std::set<std::string>& promised) {
    int64_t highest = 0;
    std::error_code error;
    for (fs::directory_iterator entry(folder.empty() ? fs::path(".") : folder, error), end;
         !error && entry != end; entry.increment(error))
        highest = std::max(highest, numberAfter(entry->path().filename().string(), prefix));
    const std::string start = absoluteText(folder / "x");
    const std::string inFolder = start.substr(0, start.size() - 1) + prefix;
    for (auto name = promised.lower_bound(inFolder);
         name != promised.end() && name->starts_with(inFolder); ++name)
        highest = std::max(highest, numberAfter(*name, inFolder));
    return highest + 1;
}

// Permissions do not tell all (root, read-only and virtual file systems): a file is made and goes
// at once.
void probe(const fs::path& folder) {
    int file = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        std::string name = (folder / ".kinora-XXXXXX").string();
        file = ::mkostemp(name.data(), O_CLOEXEC);
        if (file >= 0) ::unlink(name.c_str());
    }
    const int error = errno;
    if (file >= 0) {
        ::close(file);
        return;
    }
    const bool full = isDiskFull(error);
    throw Error(full ? ErrorCode::DiskFull : ErrorCode::InvalidArgument,
                folder.string() + ": nothing can be written here: " + std::strerror(error) + ".",
                full ? "Make room, or give another --output."
                     : "Change its permissions, or give another --output.");
}

void checkFolder(const fs::path& folder, bool mayBeMade) {
    std::error_code ignored;
    fs::path there = folder.empty() ? fs::path(".") : folder;
    if (!fs::exists(there, ignored) && !mayBeMade)
        throw Error(ErrorCode::InvalidArgument, folder.string() + ": there is no such folder.",
                    "Make it first, or give another --output.");
    while (!fs::exists(there, ignored)) {
        const fs::path parent = there.parent_path();
        there = parent.empty() || parent == there ? fs::path(".") : parent;
    }
    if (!fs::is_directory(there, ignored))
        throw Error(ErrorCode::InvalidArgument, there.string() + " is not a folder.",
                    "Give another --output.");
    probe(there);
}

// 1 for -1, 2 for -2 ... where the pattern itself does not tell pictures apart.
bool needsNumbers(const Pattern& pattern, int64_t count) {
    const std::string all = pattern.folder.string() + "/" + pattern.name + pattern.extension;
    const bool tellsApart = pattern.hasFields && (all.find("{seed}") != std::string::npos ||
                                                  all.find("{index}") != std::string::npos);
    return count > 1 && !tellsApart;
}

int64_t firstIndex(const Namer& namer, const Pattern& pattern,
                   const std::set<std::string>& promised) {
    const size_t at = pattern.name.find("{index}");
    if (!pattern.hasFields || at == std::string::npos) return 1;
    return nextIndex(namer.expand(pattern.folder.string(), 0, 1),
                     namer.expand(pattern.name.substr(0, at), 0, 1), promised);
}

bool isPromised(const fs::path& path, const OutputRequest& request) {
    return request.promised.contains(absoluteText(path));
}

bool isTaken(const fs::path& path, const OutputRequest& request) {
    std::error_code ignored;
    return isPromised(path, request) || fs::exists(fs::symlink_status(path, ignored));
}

} // namespace

std::string absoluteText(const fs::path& path) {
    return fs::absolute(path).lexically_normal().string();
}

void checkOutputFile(const fs::path& path, bool overwrite) {
    std::error_code ignored;
    const fs::file_status status = fs::symlink_status(path, ignored);
    if (fs::is_directory(path, ignored))
        throw Error(ErrorCode::InvalidArgument, path.string() + " is a folder.",
                    "Give the name of a file.");
    if (fs::exists(status) && !overwrite)
        throw Error(ErrorCode::InvalidArgument, path.string() + " is there already.",
                    "Give another name, or --overwrite to replace it.");
    checkFolder(path.parent_path(), false);
}

namespace {

void checkNotTaken(const fs::path& path, const OutputRequest& request) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored) ||
        (!request.overwrite && fs::exists(fs::symlink_status(path, ignored))))
        checkOutputFile(path, request.overwrite);
    if (isPromised(path, request))
        throw Error(ErrorCode::InvalidArgument, path.string() + " is what another job will write.",
                    "Give another name.");
}

} // namespace

OutputNames planOutputs(const OutputRequest& request) {
    const Pattern pattern = patternOf(request);
    const Namer namer(request, pattern);
    const int64_t index = firstIndex(namer, pattern, request.promised);
    const bool numbers = needsNumbers(pattern, request.count);
    OutputNames names;
    names.format = pattern.format;
    std::set<fs::path> folders;
    for (int64_t picture = 0; picture < request.count; ++picture) {
        std::string name = namer.expand(pattern.name, picture, index);
        if (numbers) name += "-" + std::to_string(picture + 1);
        name += namer.expand(pattern.extension, picture, index);
        if (name.size() > kLongestName)
            throw Error(ErrorCode::InvalidArgument, "--output: the file's name is too long.",
                        "Keep it under " + std::to_string(kLongestName) + " bytes.");
        const fs::path folder = namer.expand(pattern.folder.string(), picture, index);
        if (folders.insert(folder).second) checkFolder(folder, pattern.makeFolder);
        names.paths.push_back(folder / name);
        checkNotTaken(names.paths.back(), request);
    }
    if (pattern.makeFolder) names.folders.assign(folders.begin(), folders.end());
    return names;
}

OutputNames continueOutputs(const std::vector<fs::path>& had, core::ImageFormat format,
                            const OutputRequest& request) {
    OutputNames names;
    names.format = request.format ? orThrow(core::imageFormatFromName(*request.format)) : format;
    const auto count = static_cast<size_t>(request.count);
    names.paths.assign(had.begin(),
                       had.begin() + static_cast<ptrdiff_t>(std::min(count, had.size())));
    if (request.format)
        for (fs::path& path : names.paths) path.replace_extension(extensionOf(names.format));
    for (const fs::path& path : names.paths) checkNotTaken(path, request);

    const fs::path first = names.paths.front(); // a copy: the list grows
    std::string stem = first.stem().string();
    if (had.size() > 1 && stem.ends_with("-1")) stem.resize(stem.size() - 2);
    for (size_t number = had.size() + 1; names.paths.size() < count; ++number) {
        const fs::path next = first.parent_path() /
                              (stem + "-" + std::to_string(number) + first.extension().string());
        if (!isTaken(next, request)) names.paths.push_back(next);
    }
    return names;
}

} // namespace kinora::app
