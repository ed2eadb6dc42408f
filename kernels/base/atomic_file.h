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
    // The file beside it has this name, and replaces what has it: for who looks for it after a
    // crash.
    AtomicFile(const std::filesystem::path& path, const std::filesystem::path& temporary,
               std::string shown);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::span<const std::byte> bytes);
    // With Replace::No a file that appeared under the name meanwhile is kept. Once only.
    void publish(Replace replace);
    // Instead of publish(): the file beside it is flushed and stays, for moveIntoPlace.
    void leaveBeside();

  private:
    void flush();

    std::filesystem::path m_path;
    std::filesystem::path m_temporary; // hidden, beside it
    std::string m_shown;
    int m_descriptor = -1;
    bool m_mustRemove = true; // the temporary
};

// The last step of publish() by itself: `temporary`, whole and flushed, gets the name `path`. Where
// that name cannot be had it stays. Throws as publish() does.
void moveIntoPlace(const std::filesystem::path& temporary, const std::filesystem::path& path,
                   const std::string& shown, AtomicFile::Replace replace);

} // namespace kinora
