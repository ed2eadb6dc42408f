#include "core/library/file_hash.h"

#include "core/library/file_stamp.h"
#include "core/media/bounded_json.h"
#include "core/media/publish_file.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"
#include "kernels/base/log.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <span>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMaximumEntries = 20'000;
constexpr size_t kMaximumCacheBytes = 8U << 20;
constexpr size_t kBlockBytes = 4U << 20;

class Descriptor {
  public:
    explicit Descriptor(const fs::path& path)
        : m_value(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {}
    ~Descriptor() {
        if (m_value >= 0) close(m_value);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int value() const { return m_value; }

  private:
    int m_value;
};

Error readError(const fs::path& file) {
    return Error(ErrorCode::Io, shownPath(file) + ": " + std::strerror(errno) + ".");
}

Result<std::string> readAndHash(int descriptor, const fs::path& file, const CancelToken& cancel) {
    Sha256 hash;
    std::vector<std::byte> block(kBlockBytes);
    while (true) {
        cancel.check();
        const ssize_t got = ::read(descriptor, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return readError(file);
        if (got == 0) break;
        hash.add(std::span(block).first(static_cast<size_t>(got)));
    }
    return hash.digits();
}

} // namespace

FileHashes::FileHashes(fs::path cacheFile) : m_cacheFile(std::move(cacheFile)) {
    if (!m_cacheFile.empty()) load();
}

void FileHashes::load() {
    std::error_code error;
    const uintmax_t size = fs::file_size(m_cacheFile, error);
    if (error || size > kMaximumCacheBytes) return;
    std::ifstream file(m_cacheFile, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const Result<nlohmann::json> json = parseBoundedJson(text);
    if (!json || !json->is_object() || json->size() > kMaximumEntries) return;
    for (const auto& [key, value] : json->items()) {
        if (value.is_string() && isSha256Digits(value.get_ref<const std::string&>())) {
            m_known[key] = value.get<std::string>();
        }
    }
}

Result<std::string> FileHashes::hash(const fs::path& file, const CancelToken& cancel) {
    const Descriptor descriptor(file);
    struct stat status{};
    if (descriptor.value() < 0) {
        return errno == ENOENT
                   ? Error(ErrorCode::NotFound, shownPath(file) + ": there is no such file.")
                   : readError(file);
    }
    if (fstat(descriptor.value(), &status) != 0) return readError(file);
    if (!S_ISREG(status.st_mode)) {
        return Error(ErrorCode::BadFile, shownPath(file) + ": is not a regular file.");
    }
    const std::string key = fileStamp(status);
    if (const auto known = m_known.find(key); known != m_known.end()) return known->second;
    const bool settled = isSettled(status);
    Result<std::string> fresh = readAndHash(descriptor.value(), file, cancel);
    struct stat after{};
    // A file that somebody is still writing is not remembered.
    if (fresh && settled && fstat(descriptor.value(), &after) == 0 && fileStamp(after) == key) {
        m_known[key] = *fresh;
        m_changed = true;
    }
    return fresh;
}

std::string FileHashes::known(const fs::path& file) const {
    const auto found = m_known.find(fileStamp(file));
    return found == m_known.end() ? std::string() : found->second;
}

void FileHashes::save() {
    if (!m_changed || m_cacheFile.empty()) return;
    m_changed = false;
    if (m_known.size() > kMaximumEntries) m_known.clear();
    std::error_code error;
    fs::create_directories(m_cacheFile.parent_path(), error);
    const std::string text = nlohmann::json(m_known).dump(1);
    const Result<void> written = publishFile(std::as_bytes(std::span(text.data(), text.size())),
                                             m_cacheFile, Overwrite::Yes);
    if (!written) logMessage(LogLevel::Debug, written.error().message());
}

} // namespace kinora::core
