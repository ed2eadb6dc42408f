#pragma once
// A file that is opened to be looked at: a regular one, so that neither a pipe nor a device can
// make the reader wait, and held open, so that all looks are at the same file.

#include "core/media/png_text.h"
#include "kernels/base/result.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace kinora::core {

class InputFile {
  public:
    // Error{NotFound, BadFile (a folder, a pipe, empty), Io}.
    static Result<InputFile> open(const std::filesystem::path& path);
    InputFile(InputFile&& other) noexcept;
    InputFile& operator=(InputFile&&) = delete;
    ~InputFile();

    uint64_t size() const { return m_size; }
    bool read(uint64_t offset, std::span<std::byte> bytes) const;
    // Borrows: must not outlive the file.
    ByteSource source() const;
    // A path for libraries that open files by name: this very file, whatever happened to its name.
    std::string descriptorPath() const { return "/proc/self/fd/" + std::to_string(m_descriptor); }

  private:
    InputFile(int descriptor, uint64_t size) : m_descriptor(descriptor), m_size(size) {}
    int m_descriptor = -1;
    uint64_t m_size = 0;
};

enum class PictureKind { Unknown, Png, Jpeg, Webp, Tiff, Exr, Heif, Gif, Bmp };

// By the first bytes, never by the name.
PictureKind pictureKindOf(const InputFile& file);
// "png"; OIIO's names; empty for Unknown.
std::string codecName(PictureKind kind);
// Error{BadFile}: the file begins like a picture of this kind and is none.
Error damagedPicture(const std::string& file, PictureKind kind);

} // namespace kinora::core
