#pragma once
// Safetensors files made by hand, right and wrong.

#include <cstdint>
#include <string>
#include <string_view>

namespace kinora::test {

// The file: the length of the header as told (or of the text), the header, the data.
inline std::string safetensorsBytes(std::string_view header, std::string_view data) {
    std::string bytes;
    for (int shift = 0; shift < 64; shift += 8)
        bytes.push_back(static_cast<char>(static_cast<uint64_t>(header.size()) >> shift & 0xff));
    return bytes.append(header).append(data);
}

} // namespace kinora::test
