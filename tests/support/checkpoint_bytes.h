#pragma once
// A checkpoint's bytes made by hand, with a hash that agrees: what lies behind the hash is tested.

#include "core/media/sha256.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::test {

// The head as core/engine/checkpoint.cpp lays it out, the JSON, the values.
inline std::vector<std::byte>
sealedCheckpoint(std::string_view json, std::span<const std::byte> values, uint32_t format = 2) {
    const auto jsonBytes = static_cast<uint32_t>(json.size());
    const uint64_t restBytes = json.size() + values.size();
    std::string head("kinorack");
    head.append(reinterpret_cast<const char*>(&format), sizeof format);
    head.append(reinterpret_cast<const char*>(&jsonBytes), sizeof jsonBytes);
    head.append(reinterpret_cast<const char*>(&restBytes), sizeof restBytes);
    core::Sha256 hash;
    const auto add = [&hash](std::string_view text) {
        hash.add(std::as_bytes(std::span(text.data(), text.size())));
    };
    add(head);
    add(json);
    hash.add(values);
    head += hash.digits();
    std::vector<std::byte> bytes;
    for (const std::string_view part : {std::string_view(head), json})
        for (const char letter : part) bytes.push_back(static_cast<std::byte>(letter));
    bytes.insert(bytes.end(), values.begin(), values.end());
    return bytes;
}

} // namespace kinora::test
