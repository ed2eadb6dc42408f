#pragma once
// The names that upscalers' tensors have in the files that people share, and BasicSR's for them.

#include <map>
#include <span>
#include <string>

namespace kinora::pipelines {

// BasicSR's name -> the name in the file, for each tensor of an RRDBNet or SRVGGNetCompact; empty
// where the names are of neither.
std::map<std::string, std::string, std::less<>> upscalerNames(std::span<const std::string> stored);

} // namespace kinora::pipelines
