#pragma once
// What a file of weights is, told by the names of its tensors: for errors that say what was given
// where something else was asked for.
//
//     fileKindOf({"conv_first.weight", "body.0.rdb1.conv1.weight"})   // "an upscaler"
//
// A new kind is a row in the table of file_kind.cpp.

#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// With its article, as "a LoRA"; empty where the names tell nothing.
std::string_view fileKindOf(const std::vector<std::string>& names);

} // namespace kinora::pipelines
