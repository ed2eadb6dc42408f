#include "core/project/project_history.h"

#include "core/media/bounded_json.h"
#include "core/media/publish_file.h"
#include "core/media/text_encoding.h"
#include "core/project/project_document.h"
#include "core/project/whole_file.h"
#include "kernels/base/disk_space.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace kinora::core {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kIndexFormat = "kinora-history-index/1";
constexpr size_t kLargestIndex = size_t{256} << 20;
constexpr size_t kLongestLine = size_t{1} << 20;
constexpr size_t kBlock = size_t{1} << 20;
constexpr int kMostRating = 5;

ordered_json resultJson(const HistoryResult& result) {
    return {
        {"event", "result"},         {"task", result.task},        {"file", result.file},
        {"request", result.request}, {"pixels", result.pixelHash}, {"fileHash", result.fileHash},
        {"seconds", result.seconds}, {"at", result.madeAt},        {"host", result.host}};
}

std::string textIn(const json& event, const char* name) {
    const auto found = event.find(name);
    return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

double numberIn(const json& event, const char* name) {
    const auto found = event.find(name);
    return found != event.end() && found->is_number() ? found->get<double>() : 0;
}

// none: it is no whole number from 0 to `most`.
std::optional<int64_t> wholeIn(const json& event, const char* name, int64_t most) {
    const auto found = event.find(name);
    if (found == event.end() || !found->is_number_unsigned()) return std::nullopt;
    const auto number = found->get<uint64_t>();
    if (number > static_cast<uint64_t>(most)) return std::nullopt;
    return static_cast<int64_t>(number);
}

// A descriptor that goes with the scope.
class Descriptor {
  public:
    explicit Descriptor(int number) : m_number(number) {}
    ~Descriptor() {
        if (m_number >= 0) ::close(m_number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number() const { return m_number; }

  private:
    int m_number;
};

int64_t sizeOf(int file) {
    struct stat status{};
    return ::fstat(file, &status) == 0 ? int64_t{status.st_size} : -1;
}

} // namespace

ProjectHistory::ProjectHistory(std::filesystem::path path)
    : m_path(std::move(path)), m_index(m_path.string() + ".index") {
    if (!loadIndex()) {
        m_results.clear();
        m_ratings.clear();
        m_damaged = 0;
        m_read = 0;
    }
    refresh();
}

void ProjectHistory::refresh() {
    readFrom(m_read);
}

void ProjectHistory::readFrom(uint64_t offset) {
    const Descriptor file(::open(m_path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.number() < 0) return; // none yet
    std::string pending;
    uint64_t dropped = 0; // of a line that is too long, and has no end so far
    std::string block(kBlock, '\0');
    m_read = offset;
    while (true) {
        const ssize_t got =
            ::pread(file.number(), block.data(), block.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return; // what is pending has no end yet
        offset += static_cast<uint64_t>(got);
        pending.append(block, 0, static_cast<size_t>(got));
        size_t begin = 0;
        for (size_t end = pending.find('\n'); end != std::string::npos;
             end = pending.find('\n', begin)) {
            if (dropped == 0) takeLine(std::string_view(pending).substr(begin, end - begin));
            if (dropped > 0) ++m_damaged;
            m_read += std::exchange(dropped, 0) + (end + 1 - begin);
            begin = end + 1;
        }
        pending.erase(0, begin);
        if (dropped == 0 && pending.size() <= kLongestLine) continue;
        dropped += pending.size();
        pending.clear();
    }
}

void ProjectHistory::takeLine(std::string_view line) {
    if (line.empty()) return;
    const auto event = line.size() <= kLongestLine
                           ? parseBoundedJson(line)
                           : Result<json>(Error(ErrorCode::BadFile, "a line that is too long"));
    if (!event || !event->is_object() || !take(*event)) ++m_damaged;
}

std::string ProjectHistory::whyNoFile() const {
    namespace fs = std::filesystem;
    std::error_code ignored;
    const fs::file_type type = fs::status(m_path, ignored).type();
    if (type == fs::file_type::not_found && fs::is_symlink(fs::symlink_status(m_path, ignored)))
        return shownPath(m_path) + ": is a symbolic link to a file that is not there.";
    if (type == fs::file_type::directory) return shownPath(m_path) + ": is a folder, not a file.";
    const bool isFine = type == fs::file_type::regular || type == fs::file_type::not_found ||
                        type == fs::file_type::none; // what may not be looked at fails elsewhere
    return isFine ? std::string() : shownPath(m_path) + ": is a pipe or a device, not a file.";
}

std::string ProjectHistory::damageText() const {
    if (const std::string why = whyNoFile(); !why.empty())
        return why + " Pictures and ratings of the project's history are not known without it: "
                     "move it away. Pictures that lie in the results are then found again by "
                     "kinora render.";
    if (m_damaged == 0) return {};
    return shownPath(m_path) + ": " + std::to_string(m_damaged) +
           (m_damaged == 1 ? " line is" : " lines are") +
           " damaged and passed over: pictures or ratings that it told of may be missing here. "
           "Pictures that lie in the results are found again by kinora render.";
}

// Of a newer version's events the kind is known to that version.
bool ProjectHistory::take(const json& event) {
    const std::string kind = textIn(event, "event");
    const std::string file = textIn(event, "file");
    if (kind.empty()) return false;
    if (kind != "result" && kind != "rating") return true;
    if (file.empty()) return false;
    if (kind == "result") {
        const std::optional<int64_t> task = wholeIn(event, "task", kMostProjectTasks);
        if (!task) return false;
        m_results[file] = {*task,
                           file,
                           textIn(event, "request"),
                           textIn(event, "pixels"),
                           textIn(event, "fileHash"),
                           numberIn(event, "seconds"),
                           textIn(event, "at"),
                           textIn(event, "host")};
    }
    if (kind == "rating") {
        const auto rating = wholeIn(event, "rating", kMostRating);
        if (!rating) return false;
        m_ratings[file] = static_cast<int>(*rating);
    }
    return true;
}

std::optional<HistoryResult> ProjectHistory::latest(const std::string& file) const {
    const auto found = m_results.find(file);
    if (found == m_results.end()) return std::nullopt;
    return found->second;
}

std::optional<HistoryResult> ProjectHistory::result(const std::string& file,
                                                    const std::string& request) const {
    std::optional<HistoryResult> last = latest(file);
    return last && last->request == request ? last : std::nullopt;
}

std::map<int64_t, HistoryResult> ProjectHistory::latestByTask() const {
    std::map<int64_t, HistoryResult> latest;
    for (const auto& [file, result] : m_results) {
        if (result.madeAt.empty()) continue; // a sheet
        const auto [known, isNew] = latest.try_emplace(result.task, result);
        if (!isNew && known->second.madeAt < result.madeAt) known->second = result;
    }
    return latest;
}

int ProjectHistory::rating(const std::string& file) const {
    const auto found = m_ratings.find(file);
    return found == m_ratings.end() ? 0 : found->second;
}

Result<void> ProjectHistory::addResult(const HistoryResult& result) {
    return append(resultJson(result));
}

Result<void> ProjectHistory::addFoundResult(const HistoryResult& result) {
    return append(resultJson(result), &result);
}

Result<void> ProjectHistory::addRating(const std::string& file, int rating) {
    if (rating < 0 || rating > kMostRating)
        return Error(ErrorCode::InvalidArgument, "A rating is 0 to 5.");
    return append({{"event", "rating"}, {"file", file}, {"rating", rating}});
}

Result<void> ProjectHistory::append(const ordered_json& event, const HistoryResult* unless) {
    if (std::string why = whyNoFile(); !why.empty())
        return Error(ErrorCode::BadFile, std::move(why),
                     "Move it away: a history is then begun anew.");
    const auto failed = [this](int error) {
        const bool full = isDiskFull(error);
        return Error(full ? ErrorCode::DiskFull : ErrorCode::Io,
                     shownPath(m_path) + ": " + std::strerror(error) + ".",
                     full ? "Make room on that disk." : "The project's folder must be writable.");
    };
    const Descriptor file(::open(m_path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    if (file.number() < 0) return failed(errno);
    // Where locks are not to be had, appending in one write is what is left.
    while (::flock(file.number(), LOCK_EX) != 0 && errno == EINTR) {
    }
    if (unless) {
        refresh(); // behind the lock: nobody adds it meanwhile
        if (result(unless->file, unless->request)) return {};
    }
    std::string line = event.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
    const int64_t size = sizeOf(file.number());
    char last = '\n';
    if (size > 0 && ::pread(file.number(), &last, 1, size - 1) == 1 && last != '\n')
        line = "\n" + line; // behind a line that was cut off
    const ssize_t written = ::write(file.number(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) {
        const int error = written < 0 ? errno : ENOSPC;
        if (written > 0) (void)!::ftruncate(file.number(), size);
        return failed(error);
    }
    if (::fsync(file.number()) != 0 && errno != EINVAL) return failed(errno);
    refresh();
    return {};
}

bool ProjectHistory::loadIndex() {
    const Result<std::string> text = readWholeFile(m_index, kLargestIndex);
    if (!text) return false;
    // Its parts are small objects in one list: deeper than three levels it never is.
    const auto index = parseBoundedOrderedJson(*text, kLargestIndex);
    if (!index || !index->is_object() || index->value("format", ordered_json()) != kIndexFormat)
        return false;
    const auto bytes = index->find("bytes");
    const auto events = index->find("events");
    if (bytes == index->end() || !bytes->is_number_unsigned() || events == index->end() ||
        !events->is_array())
        return false;
    struct stat status{};
    m_read = bytes->get<uint64_t>();
    if (::stat(m_path.c_str(), &status) != 0 || m_read > static_cast<uint64_t>(status.st_size))
        return false;
    // It belongs to this history where a line ends in that place.
    const Descriptor file(::open(m_path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    char last = 0;
    if (m_read > 0 &&
        (::pread(file.number(), &last, 1, static_cast<off_t>(m_read - 1)) != 1 || last != '\n'))
        return false;
    for (const auto& event : *events)
        if (event.is_object()) take(json(event));
    if (const auto damaged = index->find("damaged");
        damaged != index->end() && damaged->is_number_unsigned())
        m_damaged = static_cast<int64_t>(std::min<uint64_t>(damaged->get<uint64_t>(), INT32_MAX));
    return true;
}

void ProjectHistory::saveIndex() const {
    ordered_json events = ordered_json::array();
    for (const auto& [file, result] : m_results) events.push_back(resultJson(result));
    for (const auto& [file, rating] : m_ratings)
        events.push_back({{"event", "rating"}, {"file", file}, {"rating", rating}});
    if (events.empty()) return;
    const ordered_json index = {{"format", kIndexFormat},
                                {"bytes", m_read},
                                {"damaged", m_damaged},
                                {"events", std::move(events)}};
    const std::string text = index.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    (void)publishFile(std::as_bytes(std::span(text)), m_index, Overwrite::Yes).ok();
}

} // namespace kinora::core
