#pragma once
// A picture as the bytes of a file, metadata included. Nothing touches the disk here.

#include "core/media/image_file.h"

namespace kinora::core {

// OIIO's name: "openexr".
const char* codecName(ImageFormat format);

// The same picture and provenance give the same bytes. Sets the provenance's output hash in the
// file. Errors: InvalidArgument (the picture's fields disagree), Unsupported, Io.
Result<std::vector<std::byte>> encodeImage(const Image& image, ImageFormat format,
                                           const std::optional<Provenance>& provenance);

} // namespace kinora::core
