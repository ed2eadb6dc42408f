#pragma once
// XMP packets: ours written, anyone's read. Source: XMP specification part 1 and part 3 (JPEG).

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::core {

// http://cv.iptc.org/newscodes/digitalsourcetype/
inline constexpr std::string_view kTrainedAlgorithmicMedia =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

struct XmpContent {
    std::string creatorTool;       // "kinora 0.1.0 (abc1234)"; empty: not said
    std::string digitalSourceType; // a URI of the above list
    std::string kinoraJson;        // in our own namespace
    std::string extension;         // what names the extended packet (JPEG); empty: none
};

std::string xmpPacket(const XmpContent& content);
// Hostile input; what is malformed gives what was read until there.
XmpContent parseXmp(std::string_view packet);

// JPEG segments end at 64 KiB; what is longer goes into extended XMP, which Adobe specified.
// Its name in the main packet:
std::string extendedXmpName(std::string_view extension);
// The JPEG with the extension's segments behind its other metadata.
std::vector<std::byte> withExtendedXmp(std::span<const std::byte> jpeg, std::string_view extension);
// The extended packet of that name; empty where it is not there or incomplete. At most 16 MiB.
std::string extendedXmp(std::span<const std::byte> jpegHead, std::string_view name);

} // namespace kinora::core
