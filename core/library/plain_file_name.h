#pragma once
// Names of files as other programs write them in their lists, settings and pictures.

#include <string>

namespace kinora::core {

// "dreamshaper_8" of "dreamshaper_8.safetensors [879db523c3]" (A1111), and of each half of that
// (ComfyUI; A1111's metadata): without the hash, and without the ending where it is one of weights.
std::string plainFileName(const std::string& name);

// Whether asked is the name, in any case and written in any of these ways.
bool isCalled(const std::string& name, const std::string& asked);

} // namespace kinora::core
