#include "core/project/whole_file.h"

#include "core/media/input_file.h"
#include "core/media/text_encoding.h"

#include <span>

namespace kinora::core {

Result<std::string> readWholeFile(const std::filesystem::path& path, size_t maximumBytes) {
    const Result<InputFile> file = InputFile::open(path);
    if (!file) return file.error();
    if (file->size() > maximumBytes)
        return Error(ErrorCode::BadFile,
                     shownPath(path) + ": is larger than " + std::to_string(maximumBytes >> 20) +
                         " MiB.",
                     "Split it.");
    std::string text(static_cast<size_t>(file->size()), '\0');
    if (!file->read(0, std::as_writable_bytes(std::span(text))))
        return Error(ErrorCode::Io, shownPath(path) + ": cannot be read to its end.",
                     "It changed while it was read, or its disk is failing.");
    return text;
}

} // namespace kinora::core
