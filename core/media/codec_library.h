#pragma once
// libkinora_media.so, opened on first use: starting the program does not pay for OpenImageIO.

#include "core/media/codec/codec_table.h"
#include "core/media/input_file.h"
#include "kernels/base/result.h"

namespace kinora::core {

// Any thread; the first call opens the library, which stays for the life of the process. Looked for
// beside libkinora.so. Error{NotFound, Unsupported} says where it was expected.
Result<const codec::CodecTable*> imageCodecs();

// What a function of the table answered, as an error about this file.
Error codecError(codec::Status status, const codec::Message& message, const std::string& file);
// The same of a function that read: what it cannot make sense of is damage of the file.
Error decodeError(codec::Status status, const codec::Message& message, const std::string& file,
                  PictureKind kind);

} // namespace kinora::core
