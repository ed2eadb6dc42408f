#include "pipelines/weights/pickle/zip_directory.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace kinora::pipelines {
namespace {

constexpr uint64_t kEndBytes = 22, kLongestComment = 65535, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr uint64_t kEntryBytes = 46, kLocalBytes = 30;
constexpr uint64_t kMostDirectoryBytes = uint64_t{256} << 20, kMostEntries = 1'000'000;
constexpr uint32_t kEndMark = 0x06054b50, kEnd64Mark = 0x06064b50, kLocatorMark = 0x07064b50,
                   kEntryMark = 0x02014b50, kLocalMark = 0x04034b50;
constexpr uint16_t kZip64Field = 1, kEncrypted = 1;

[[noreturn]] void fail(const RegularFile& file, const std::string& what) {
    throw Error(ErrorCode::BadFile, file.label() + ": " + what,
                "The file is damaged or was cut short; fetch it again.");
}

// Little-endian numbers at places that have been checked to be there.
struct Bytes {
    std::vector<std::byte> bytes;

    uint64_t number(size_t at, int count) const {
        uint64_t value = 0;
        for (int i = count - 1; i >= 0; --i)
            value = value << 8 | std::to_integer<uint64_t>(bytes[at + static_cast<size_t>(i)]);
        return value;
    }
    uint16_t u16(size_t at) const { return static_cast<uint16_t>(number(at, 2)); }
    uint32_t u32(size_t at) const { return static_cast<uint32_t>(number(at, 4)); }
    uint64_t u64(size_t at) const { return number(at, 8); }
};

Bytes readAt(const RegularFile& file, uint64_t offset, uint64_t count) {
    if (offset > file.sizeBytes() || count > file.sizeBytes() - offset)
        fail(file, "the zip archive points outside the file.");
    Bytes result{std::vector<std::byte>(count)};
    file.read(offset, result.bytes);
    return result;
}

struct Directory {
    uint64_t offset, sizeBytes, entries;
};

// The record at the end, behind which a comment may stand.
Directory findDirectory(const RegularFile& file) {
    const uint64_t tailBytes = std::min(file.sizeBytes(), kEndBytes + kLongestComment);
    if (tailBytes < kEndBytes) fail(file, "is too short for a zip archive.");
    const uint64_t tailStart = file.sizeBytes() - tailBytes;
    const Bytes tail = readAt(file, tailStart, tailBytes);
    std::optional<size_t> end;
    for (size_t at = tailBytes - kEndBytes + 1; at-- > 0 && !end;)
        if (tail.u32(at) == kEndMark && at + kEndBytes + tail.u16(at + 20) == tailBytes) end = at;
    if (!end) fail(file, "the zip archive has no directory: it was cut short.");
    Directory directory{tail.u32(*end + 16), tail.u32(*end + 12), tail.u16(*end + 10)};
    const bool is64 = directory.offset == UINT32_MAX || directory.sizeBytes == UINT32_MAX ||
                      directory.entries == UINT16_MAX;
    if (!is64 || tailStart + *end < kLocatorBytes) return directory;
    const Bytes locator = readAt(file, tailStart + *end - kLocatorBytes, kLocatorBytes);
    if (locator.u32(0) != kLocatorMark) return directory;
    const Bytes end64 = readAt(file, locator.u64(8), kEnd64Bytes);
    if (end64.u32(0) != kEnd64Mark) fail(file, "the directory of the zip archive is damaged.");
    return {end64.u64(48), end64.u64(40), end64.u64(32)};
}

// Sizes and place of an entry, where they do not fit into 32 bits.
void readZip64Field(const RegularFile& file, const Bytes& directory, size_t extra, size_t end,
                    uint64_t& stored, uint64_t& packed, uint64_t& local) {
    while (extra + 4 <= end) {
        const uint16_t id = directory.u16(extra), length = directory.u16(extra + 2);
        size_t at = extra + 4;
        extra = at + length;
        if (extra > end) fail(file, "the directory of the zip archive is damaged.");
        if (id != kZip64Field) continue;
        for (uint64_t* value : {&stored, &packed, &local}) {
            if (*value != UINT32_MAX) continue;
            if (at + 8 > extra) fail(file, "the directory of the zip archive is damaged.");
            *value = directory.u64(at);
            at += 8;
        }
        return;
    }
}

ZipEntry locate(const RegularFile& file, const std::string& name, uint64_t local,
                uint64_t sizeBytes) {
    const Bytes header = readAt(file, local, kLocalBytes);
    if (header.u32(0) != kLocalMark)
        fail(file,
             "the entry " + briefName(name) + " of the zip archive is not where it should be.");
    const uint64_t offset = local + kLocalBytes + header.u16(26) + header.u16(28);
    if (offset > file.sizeBytes() || sizeBytes > file.sizeBytes() - offset)
        fail(file, "the entry " + briefName(name) + " reaches past the end of the file.");
    return {offset, sizeBytes};
}

} // namespace

std::map<std::string, ZipEntry> readZipDirectory(const RegularFile& file) {
    const Directory place = findDirectory(file);
    if (place.sizeBytes > kMostDirectoryBytes || place.entries > kMostEntries)
        fail(file, "the directory of the zip archive is absurdly large.");
    const Bytes directory = readAt(file, place.offset, place.sizeBytes);
    std::map<std::string, ZipEntry> entries;
    size_t at = 0;
    for (uint64_t i = 0; i < place.entries; ++i) {
        if (at + kEntryBytes > place.sizeBytes || directory.u32(at) != kEntryMark)
            fail(file, "the directory of the zip archive is damaged.");
        const size_t nameAt = at + kEntryBytes;
        const size_t extraAt = nameAt + directory.u16(at + 28);
        const size_t extraEnd = extraAt + directory.u16(at + 30);
        const size_t next = extraEnd + directory.u16(at + 32);
        if (next > place.sizeBytes) fail(file, "the directory of the zip archive is damaged.");
        const std::string name(reinterpret_cast<const char*>(directory.bytes.data()) + nameAt,
                               extraAt - nameAt);
        uint64_t packed = directory.u32(at + 20), stored = directory.u32(at + 24),
                 local = directory.u32(at + 42);
        readZip64Field(file, directory, extraAt, extraEnd, stored, packed, local);
        if ((directory.u16(at + 8) & kEncrypted) != 0 || directory.u16(at + 10) != 0 ||
            packed != stored)
            throw Error(ErrorCode::Unsupported,
                        file.label() + ": the entry " + briefName(name) +
                            " of the zip archive is compressed or encrypted.",
                        "PyTorch stores its checkpoints as they are; pack this one anew.");
        if (!entries.emplace(name, locate(file, name, local, stored)).second)
            fail(file, "has the entry " + briefName(name) + " twice.");
        at = next;
    }
    return entries;
}

} // namespace kinora::pipelines
