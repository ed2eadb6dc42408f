#include "core/media/icc_profile.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace kinora::core {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kHeaderBytes = 128, kTagBytes = 12, kMostTags = 1000;
constexpr uint64_t kMostBytes = 16 << 20; // of a profile; real ones have a few megabytes at most
constexpr size_t kMostParts = 100'000;    // segments or chunks of a file that are looked at
constexpr uint16_t kTiffIccTag = 34675;

uint64_t number(std::span<const uint8_t> bytes, bool bigEndian) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
        value = value << 8 | bytes[bigEndian ? i : bytes.size() - 1 - i];
    return value;
}

// What a reader of a profile sees: big-endian numbers, nothing beyond the end.
struct Reader {
    std::span<const uint8_t> bytes;

    std::optional<uint64_t> at(uint64_t offset) const {
        if (offset > bytes.size() || bytes.size() - offset < 4) return std::nullopt;
        return number(bytes.subspan(offset, 4), true);
    }
    bool holds(uint64_t offset, uint64_t length) const {
        return offset <= bytes.size() && length <= bytes.size() - offset;
    }
};

// A tag's own offsets and lengths: of the texts, which are what gets read.
bool isSoundTag(const Reader& tag) {
    if (!tag.holds(0, 8)) return false;
    const std::string_view type(reinterpret_cast<const char*>(tag.bytes.data()), 4);
    if (type == "desc") {
        const auto length = tag.at(8);
        return length && tag.holds(12, *length);
    }
    if (type != "mluc") return true;
    const auto records = tag.at(8), recordBytes = tag.at(12);
    if (!records || !recordBytes || *records > kMostTags || *recordBytes != 12) return false;
    for (uint64_t record = 0; record < *records; ++record) {
        const auto length = tag.at(16 + record * 12 + 4), offset = tag.at(16 + record * 12 + 8);
        if (!length || !offset || !tag.holds(*offset, *length)) return false;
    }
    return true;
}

std::optional<Bytes> bytesAt(const InputFile& file, uint64_t offset, uint64_t length) {
    if (offset > file.size() || length > file.size() - offset || length > kMostBytes)
        return std::nullopt;
    Bytes bytes(length);
    if (!file.read(offset, std::as_writable_bytes(std::span(bytes)))) return std::nullopt;
    return bytes;
}

// The profiles in a file; a nullopt among them is one that does not lie inside the file.
using Profiles = std::vector<std::optional<Bytes>>;

Profiles profilesOfTiff(const InputFile& file) {
    const auto head = bytesAt(file, 0, 16);
    if (!head) return {};
    const bool big = (*head)[0] == 'M';
    const bool large = number(std::span(*head).subspan(2, 2), big) == 43; // BigTIFF
    const size_t wide = large ? 8 : 4, entryBytes = large ? 20 : 12, countBytes = large ? 8 : 2;
    const uint64_t directory = number(std::span(*head).subspan(large ? 8 : 4, wide), big);
    const auto count = bytesAt(file, directory, countBytes);
    if (!count) return {};
    const auto entries = bytesAt(file, directory + countBytes,
                                 std::min<uint64_t>(number(*count, big), kMostParts) * entryBytes);
    Profiles profiles;
    for (size_t at = 0; entries && at + entryBytes <= entries->size(); at += entryBytes) {
        const auto entry = std::span(*entries).subspan(at, entryBytes);
        if (number(entry.first(2), big) != kTiffIccTag) continue;
        const uint64_t length = number(entry.subspan(4, wide), big);
        profiles.push_back(bytesAt(file, number(entry.subspan(4 + wide, wide), big), length));
    }
    return profiles;
}

// APP2 segments "ICC_PROFILE\0", number, count: put together by their numbers.
Profiles profilesOfJpeg(const InputFile& file) {
    constexpr std::string_view kName("ICC_PROFILE\0", 12);
    std::map<uint8_t, Bytes> pieces;
    uint64_t offset = 2;
    for (size_t part = 0; part < kMostParts; ++part) {
        const auto head = bytesAt(file, offset, 4);
        if (!head || (*head)[0] != 0xff) break;
        const uint8_t marker = (*head)[1];
        if (marker == 0xff) { // filling
            ++offset;
            continue;
        }
        if (marker == 0xda || marker == 0xd9) break; // the picture itself
        const uint64_t length = number(std::span(*head).subspan(2, 2), true);
        if (marker == 0xe2 && length >= 2 + kName.size() + 2) {
            auto segment = bytesAt(file, offset + 4, length - 2);
            if (!segment) break;
            if (std::memcmp(segment->data(), kName.data(), kName.size()) == 0)
                pieces[(*segment)[kName.size()]].assign(
                    segment->begin() + static_cast<ptrdiff_t>(kName.size()) + 2, segment->end());
        }
        offset += 2 + std::max<uint64_t>(length, 2);
    }
    if (pieces.empty()) return {};
    Bytes whole;
    for (const auto& [index, piece] : pieces) whole.insert(whole.end(), piece.begin(), piece.end());
    return {std::move(whole)};
}

Profiles profilesOfWebp(const InputFile& file) {
    Profiles profiles;
    uint64_t offset = 12;
    for (size_t part = 0; part < kMostParts; ++part) {
        const auto head = bytesAt(file, offset, 8);
        if (!head) break;
        const uint64_t length = number(std::span(*head).subspan(4, 4), false);
        if (std::memcmp(head->data(), "ICCP", 4) == 0)
            profiles.push_back(bytesAt(file, offset + 8, length));
        offset += 8 + length + length % 2;
    }
    return profiles;
}

} // namespace

bool isSoundIccProfile(std::span<const uint8_t> profile) {
    const Reader whole{profile};
    const auto size = whole.at(0), count = whole.at(kHeaderBytes);
    if (!size || !count || *size > profile.size() || *count > kMostTags) return false;
    for (uint64_t tag = 0; tag < *count; ++tag) {
        const uint64_t place = kHeaderBytes + 4 + tag * kTagBytes;
        const auto offset = whole.at(place + 4), length = whole.at(place + 8);
        if (!offset || !length || !whole.holds(*offset, *length)) return false;
        if (!isSoundTag({profile.subspan(*offset, *length)})) return false;
    }
    return true;
}

Result<void> checkColourProfile(const InputFile& file, PictureKind kind, const std::string& name) {
    const Profiles profiles = kind == PictureKind::Tiff   ? profilesOfTiff(file)
                              : kind == PictureKind::Jpeg ? profilesOfJpeg(file)
                              : kind == PictureKind::Webp ? profilesOfWebp(file)
                                                          : Profiles{};
    for (const std::optional<Bytes>& profile : profiles)
        if (!profile || !isSoundIccProfile(*profile))
            return Error(ErrorCode::BadFile, name + ": its colour profile is damaged.",
                         "Save the picture again with the program that made it.");
    return {};
}

} // namespace kinora::core
