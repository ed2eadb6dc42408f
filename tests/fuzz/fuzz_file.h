#pragma once
// Input for readers that want a file: kept in memory, so that a fuzz run writes no disk.

#include "tests/fuzz/fuzz_support.h"

#include <filesystem>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace kinora::fuzz {

class MemoryFile {
  public:
    explicit MemoryFile(std::string_view content) : m_descriptor(memfd_create("fuzz", 0)) {
        require(m_descriptor >= 0, "a file in memory can be made");
        require(::write(m_descriptor, content.data(), content.size()) ==
                    static_cast<ssize_t>(content.size()),
                "a file in memory can be written");
    }
    ~MemoryFile() { ::close(m_descriptor); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(m_descriptor); }

  private:
    int m_descriptor;
};

} // namespace kinora::fuzz
