#pragma once
// Input for readers that want a folder of files.

#include "tests/fuzz/fuzz_support.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace kinora::fuzz {

// Removed when the process ends.
class Folder {
  public:
    Folder()
        : m_path(std::filesystem::temp_directory_path() /
                 ("kinora-fuzz-" + std::to_string(::getpid()))) {}
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const std::filesystem::path& path() const { return m_path; }

    // Empty content: the file is taken away.
    void write(const char* name, std::string_view content) const {
        const std::filesystem::path file = m_path / name;
        std::filesystem::create_directories(file.parent_path());
        if (content.empty()) {
            std::filesystem::remove(file);
        } else {
            std::ofstream(file, std::ios::binary) << content;
        }
    }

  private:
    std::filesystem::path m_path;
};

} // namespace kinora::fuzz
