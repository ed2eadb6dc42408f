#pragma once
// A zip archive as PyTorch writes them, stored and unaligned, for tests that need damaged ones.
//
//     const std::string bytes = zipArchive({{"archive/data.pkl", pickle}, {"archive/data/0",
//     "..."}});

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kinora::test {

inline std::string zipArchive(const std::vector<std::pair<std::string, std::string>>& entries,
                              uint16_t method = 0) {
    std::string file, directory;
    const auto put = [](std::string& to, uint64_t value, int count) {
        for (int i = 0; i < count; ++i) to += static_cast<char>(value >> (8 * i) & 255);
    };
    for (const auto& [name, bytes] : entries) {
        const uint64_t local = file.size();
        put(file, 0x04034b50, 4);
        put(file, 0, 4); // version, flags
        put(file, method, 2);
        put(file, 0, 8); // time, date, checksum
        put(file, bytes.size(), 4);
        put(file, bytes.size(), 4);
        put(file, name.size(), 2);
        put(file, 0, 2);
        file += name + bytes;
        put(directory, 0x02014b50, 4);
        put(directory, 0, 6);
        put(directory, method, 2);
        put(directory, 0, 8);
        put(directory, bytes.size(), 4);
        put(directory, bytes.size(), 4);
        put(directory, name.size(), 2);
        put(directory, 0, 12);
        put(directory, local, 4);
        directory += name;
    }
    const uint64_t start = file.size();
    file += directory;
    put(file, 0x06054b50, 4);
    put(file, 0, 4);
    put(file, entries.size(), 2);
    put(file, entries.size(), 2);
    put(file, directory.size(), 4);
    put(file, start, 4);
    put(file, 0, 2);
    return file;
}

} // namespace kinora::test
