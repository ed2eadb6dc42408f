#pragma once
// What a weights file holds, from its header alone.

#include "kernels/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kinora::core {

struct StoredTensorInfo {
    std::string name;
    std::string dtype; // "f16"
    std::vector<int64_t> shape;
};

struct WeightsInfo {
    std::string format;       // "safetensors", "pickle"
    std::string architecture; // what the tensors' names tell: "UNet2DConditionModel"; may be empty
    uint64_t sizeBytes = 0;
    uint64_t parameters = 0;                    // elements of all tensors
    std::vector<StoredTensorInfo> tensors;      // sorted by name
    std::map<std::string, int64_t> dtypeCounts; // dtype to number of tensors
};

// Whether it begins as a safetensors file does: a length, then a brace. False for what cannot be
// read.
bool looksLikeSafetensors(const std::filesystem::path& path);

// Whether it begins as a file of torch.save does: a zip archive or a pickle.
bool looksPickled(const std::filesystem::path& path);

// For a regular file that is plainly something else than weights that are read here, what it is and
// what to do about it: Error{Unsupported} for GGUF, Error{BadFile} for a web page or a pointer of
// Git LFS. By the first bytes and the name.
std::optional<Error> otherKindOfFile(const std::filesystem::path& path);

// Hostile input. Error{NotFound, BadFile, Unsupported, Io}.
Result<WeightsInfo> readWeightsInfo(const std::filesystem::path& path);

} // namespace kinora::core
