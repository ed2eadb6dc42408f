#pragma once
// The header of a safetensors file: which tensor lies where. Every claim of the file is checked.
// Format: 8 bytes little-endian length, that many bytes of JSON, then the tensors' bytes.

#include "kernels/tensor/dtype.h"
#include "kernels/tensor/shape.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

inline constexpr uint64_t kLongestSafetensorsHeader = 100'000'000;

struct StoredTensor {
    std::string name;
    kernels::DType dtype;
    kernels::Shape shape;
    uint64_t begin, end; // bytes after the header
};

// The file's own remarks, "modelspec.prediction_type" to "v"; those beyond a megabyte are
// left out.
using SafetensorsMetadata = std::map<std::string, std::string, std::less<>>;

// json: the header's text; dataBytes: how many bytes follow it. label: how errors name the file.
// metadata: where given, filled. -> the tensors, sorted by name. Throws Error{BadFile};
// Error{Unsupported} on a dtype that is not known.
std::vector<StoredTensor> parseSafetensorsHeader(std::string_view json, uint64_t dataBytes,
                                                 const std::string& label,
                                                 SafetensorsMetadata* metadata = nullptr);

} // namespace kinora::pipelines
