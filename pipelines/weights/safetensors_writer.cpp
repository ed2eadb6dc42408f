#include "pipelines/weights/safetensors_writer.h"

#include "kernels/base/error.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace kinora::pipelines {

namespace {

// The temporary, removed unless it was renamed.
class Temporary {
  public:
    explicit Temporary(const std::filesystem::path& final)
        : m_final(final), m_path(final.string() + ".part-" + std::to_string(getpid())),
          m_file(open(m_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
        if (m_file < 0) fail();
    }
    ~Temporary() { // of a constructed one: the file is there and ours
        close(m_file);
        if (!m_renamed) unlink(m_path.c_str());
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

    void write(const void* data, size_t sizeBytes) {
        const char* next = static_cast<const char*>(data);
        while (sizeBytes > 0) {
            const ssize_t written = ::write(m_file, next, sizeBytes);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) fail();
            next += written;
            sizeBytes -= static_cast<size_t>(written);
        }
    }

    void publish() {
        if (fsync(m_file) != 0 || rename(m_path.c_str(), m_final.c_str()) != 0) fail();
        m_renamed = true;
    }

  private:
    [[noreturn]] void fail() const {
        const int reason = errno;
        throw Error(reason == ENOSPC || reason == EDQUOT ? ErrorCode::DiskFull : ErrorCode::Io,
                    "Could not write " + m_final.string() + ": " + std::strerror(reason) + ".",
                    "Choose another folder or make room.");
    }

    std::filesystem::path m_final;
    std::filesystem::path m_path;
    int m_file;
    bool m_renamed = false;
};

} // namespace

void writeSafetensors(const std::filesystem::path& path, std::span<const NamedValues> tensors) {
    nlohmann::json header = nlohmann::json::object();
    uint64_t offset = 0;
    for (const NamedValues& tensor : tensors) {
        const uint64_t end = offset + tensor.values.size_bytes();
        header[tensor.name] = {
            {"dtype", "F32"},
            {"shape", std::vector<int64_t>(tensor.shape.dims().begin(), tensor.shape.dims().end())},
            {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' '); // data begins at a multiple of eight
    const uint64_t headerBytes = text.size();    // little-endian, as the hosts that we build for

    Temporary file(path);
    file.write(&headerBytes, sizeof headerBytes);
    file.write(text.data(), text.size());
    for (const NamedValues& tensor : tensors)
        file.write(tensor.values.data(), tensor.values.size_bytes());
    file.publish();
}

} // namespace kinora::pipelines
