#pragma once
// A file that is read at offsets: opened once, its size known, never mapped, so that a file that
// shrinks while it is read gives an error and not a signal.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace kinora::pipelines {

class RegularFile {
  public:
    // label: how errors name it. Throws Error{NotFound, BadFile (a folder, a device), Io}.
    RegularFile(const std::filesystem::path& path, std::string label);
    ~RegularFile();
    RegularFile(RegularFile&& other) noexcept;
    RegularFile& operator=(RegularFile&&) = delete;

    uint64_t sizeBytes() const { return m_sizeBytes; }
    const std::string& label() const { return m_label; }
    // Fills `bytes` from `offset`. Any thread. Throws Error{Io} where there are fewer.
    void read(uint64_t offset, std::span<std::byte> bytes) const;

  private:
    std::string m_label;
    int m_descriptor = -1;
    uint64_t m_sizeBytes = 0;
};

// A whole small file as text. Throws as above, and Error{BadFile} above limitBytes.
std::string readTextFile(const std::filesystem::path& path, const std::string& label,
                         uint64_t limitBytes);

} // namespace kinora::pipelines
