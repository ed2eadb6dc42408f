#pragma once
// The names that upscalers' tensors have in the files that people share, and BasicSR's for them.

#include <functional>
#include <map>
#include <span>
#include <string>

namespace kinora::pipelines {

// BasicSR's name -> the name in the file.
using UpscalerNames = std::map<std::string, std::string, std::less<>>;

// For each tensor of a network of a known kind (findUpscalerKind); empty where the names are of
// none.
UpscalerNames upscalerNames(std::span<const std::string> stored);

} // namespace kinora::pipelines
