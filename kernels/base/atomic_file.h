#pragma once
// A file that appears under its name in one step: written beside it, flushed to the disk, renamed.
//
//     AtomicFile file(path, path.string());
//     file.write(bytes);
//     file.publish(AtomicFile::Replace::Yes);
//
// Whatever happens, the name holds either what it held or all that was written; without publish()
// nothing is left. One thread.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace kinora {

class AtomicFile {
  public:
    enum class Replace { No, Yes };

    // shown: what messages call the file. Each of the three throws Error: DiskFull, Io, and
    // publish() InvalidArgument where there is a file of that name that must not be replaced.
    AtomicFile(const std::filesystem::path& path, std::string shown);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::span<const std::byte> bytes);
    // With Replace::No a file that appeared under the name meanwhile is kept. Once only.
    void publish(Replace replace);

  private:
    [[noreturn]] void fail(int error) const;
    int moveToFreeName(); // 0, or errno; EEXIST where there is a file
    int moveOver();       // 0, or errno

    std::filesystem::path m_path;
    std::filesystem::path m_temporary; // hidden, beside it
    std::string m_shown;
    int m_descriptor = -1;
    bool m_mustRemove = true; // the temporary
};

} // namespace kinora
