#pragma once
// Which entry of a zip archive lies where, for archives whose entries are stored as they are, as
// PyTorch writes them. Hostile input: every offset and size is checked against the file.
// Format: PKWARE's APPNOTE 6.3, sections 4.3 and 4.5.3 (zip64).

#include "pipelines/weights/regular_file.h"

#include <cstdint>
#include <map>
#include <string>

namespace kinora::pipelines {

struct ZipEntry {
    uint64_t offset = 0; // of its bytes in the file
    uint64_t sizeBytes = 0;
};

// By name. Throws Error{BadFile}: truncated, damaged, a name twice, entries that lie outside the
// file; Error{Unsupported}: compressed or encrypted entries.
std::map<std::string, ZipEntry> readZipDirectory(const RegularFile& file);

} // namespace kinora::pipelines
