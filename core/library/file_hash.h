#pragma once
// SHA-256 of large files, remembered between runs: a model of many gigabytes is read once.

#include "kernels/base/cancel_token.h"
#include "kernels/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace kinora::core {

// Known by device, inode, size and time of change. The cache is a JSON file; a damaged one counts
// as empty, and what cannot be written is computed again next time. One thread at a time; two
// processes may lose each other's entries, never mix them.
class FileHashes {
  public:
    // cacheFile: empty for none.
    explicit FileHashes(std::filesystem::path cacheFile);

    // 64 hexadecimal digits. Error{NotFound, BadFile (no regular file), Io}. Throws Cancelled.
    Result<std::string> hash(const std::filesystem::path& file, const CancelToken& cancel = {});
    // The same where it is known without reading the file; else empty.
    std::string known(const std::filesystem::path& file) const;
    // Writes what is new, beside and renamed.
    void save();

  private:
    void load();
    std::filesystem::path m_cacheFile;
    std::map<std::string, std::string> m_known;
    bool m_changed = false;
};

} // namespace kinora::core
