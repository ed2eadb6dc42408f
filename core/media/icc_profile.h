#pragma once
// Whether the colour profile in a picture can be given to a library: OpenImageIO 2.4 reads a
// profile's tags wherever the profile says that they lie, inside it or not.
// Source: ICC.1:2022, 7.2 and 7.3; TIFF 6.0 and BigTIFF; the JPEG and WebP containers.

#include "core/media/input_file.h"
#include "kernels/base/result.h"

#include <cstdint>
#include <span>

namespace kinora::core {

// Every tag, and every text in one, lies inside the profile.
bool isSoundIccProfile(std::span<const uint8_t> profile);

// Error{BadFile} where the TIFF, JPEG or WebP file has a profile that is not sound; name: how the
// error calls the file. Files without one, and of other kinds, are passed.
Result<void> checkColourProfile(const InputFile& file, PictureKind kind, const std::string& name);

} // namespace kinora::core
