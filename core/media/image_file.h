#pragma once
// Pictures on disk: PNG, JPEG, WebP, TIFF, EXR and AVIF by OpenImageIO, which is loaded on first
// use (libkinora_media.so: its dependency tree is long).

#include "core/media/image.h"
#include "core/media/provenance.h"
#include "kernels/base/result.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kinora::core {

enum class ImageFormat { Png, Jpeg, Webp, Tiff, Exr, Avif };
enum class Overwrite { No, Yes };

// By extension, without case. Error{InvalidArgument} lists what can be written.
Result<ImageFormat> imageFormatFromPath(const std::filesystem::path& path);
Result<ImageFormat> imageFormatFromName(const std::string& name);

struct SaveOptions {
    ImageFormat format = ImageFormat::Png;
    Overwrite overwrite = Overwrite::No;
    std::optional<Provenance> provenance; // none: --no-metadata
};

// Writes beside `path` and renames: an interrupted save leaves no file under the final name. The
// file's provenance gets the output hash, which is pixelHash(image) in every format: of the picture
// as it was made, before a lossy format changed it. The same picture and options give the same
// bytes. Formats without alpha get the picture over white. Errors: Io, DiskFull, InvalidArgument
// (exists and overwrite is No), Unsupported, OutOfMemory.
//
// PNG and TIFF: 8 bits, exact. JPEG and WebP: quality 95. AVIF: quality 95. EXR: half floats,
// linear light, colour multiplied by alpha. All say that they are sRGB where the format can.
Result<void> saveImage(const Image& image, const std::filesystem::path& path,
                       const SaveOptions& options);

// PNG, JPEG, WebP, TIFF, EXR, AVIF, GIF (first frame) and BMP, told by their first bytes. Turned
// upright as EXIF says. Hostile input. Error{BadFile, NotFound, Unsupported (CMYK TIFF; over 16384
// x 16384), OutOfMemory, Io}.
Result<Image> loadImage(const std::filesystem::path& path);

// PNG bytes for the clipboard and drags, with the metadata where given.
Result<std::vector<std::byte>> encodePng(const Image& image,
                                         const std::optional<Provenance>& provenance);

// "sha256:..." over width, height, channels and the 8-bit pixels.
std::string pixelHash(const Image& image);

// Loads the codec library in the background, so that the first save does not wait for it.
void preloadImageCodecs();

} // namespace kinora::core
