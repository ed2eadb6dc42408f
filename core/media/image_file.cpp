#include "core/media/image_file.h"

#include "core/media/codec_library.h"
#include "core/media/colour.h"
#include "core/media/icc_profile.h"
#include "core/media/image_encode.h"
#include "core/media/input_file.h"
#include "core/media/publish_file.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"

#include <algorithm>
#include <array>
#include <new>
#include <span>
#include <string_view>

namespace kinora::core {

namespace {

struct FormatName {
    std::string_view name;
    ImageFormat format;
};

// The first of a format is its usual name.
constexpr FormatName kNames[] = {
    {"png", ImageFormat::Png},   {"jpg", ImageFormat::Jpeg},  {"jpeg", ImageFormat::Jpeg},
    {"webp", ImageFormat::Webp}, {"tiff", ImageFormat::Tiff}, {"tif", ImageFormat::Tiff},
    {"exr", ImageFormat::Exr},   {"avif", ImageFormat::Avif},
};

Result<ImageFormat> formatNamed(std::string name, const std::string& what) {
    std::ranges::transform(name, name.begin(), [](unsigned char c) {
        return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c);
    });
    for (const FormatName& known : kNames) {
        if (known.name == name) return known.format;
    }
    return Error(ErrorCode::InvalidArgument, what + " is no format that can be written.",
                 "Use png, jpg, webp, tiff, exr or avif.");
}

struct Receiver {
    Image image;
    static float* begin(void* user, int32_t width, int32_t height, int32_t channels) {
        auto* self = static_cast<Receiver*>(user);
        try {
            self->image = Image{width, height, channels, {}};
            self->image.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height) *
                                      static_cast<size_t>(channels));
        } catch (const std::bad_alloc&) {
            return nullptr; // no exception through the library
        }
        return self->image.pixels.data();
    }
};

// EXIF orientation: 2 mirrored, 3 turned by 180 degrees, 4 both, 5 to 8 the same transposed.
Image upright(const Image& image, int orientation) {
    if (orientation <= 1) return image;
    const bool transposed = orientation >= 5;
    const size_t width = static_cast<size_t>(transposed ? image.height : image.width);
    const size_t height = static_cast<size_t>(transposed ? image.width : image.height);
    const bool fromRight =
        orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool fromBottom =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    Image out{static_cast<int>(width), static_cast<int>(height), image.channels,
              std::vector<float>(image.pixels.size())};
    const size_t channels = static_cast<size_t>(image.channels);
    const size_t sourceWidth = static_cast<size_t>(image.width);
    const size_t sourceHeight = static_cast<size_t>(image.height);
    for (size_t y = 0; y < height; ++y) {
        for (size_t x = 0; x < width; ++x) {
            size_t fromX = transposed ? y : x;
            size_t fromY = transposed ? x : y;
            if (fromRight) fromX = sourceWidth - 1 - fromX;
            if (fromBottom) fromY = sourceHeight - 1 - fromY;
            std::copy_n(&image.pixels[(fromY * sourceWidth + fromX) * channels], channels,
                        &out.pixels[(y * width + x) * channels]);
        }
    }
    return out;
}

void clampAll(Image& image) {
    for (float& value : image.pixels) {
        value = value >= 0 ? std::min(value, 1.0F) : 0.0F; // NaN too
    }
}

} // namespace

Result<ImageFormat> imageFormatFromPath(const std::filesystem::path& path) {
    std::string extension = path.extension().string();
    if (extension.empty()) {
        return Error(ErrorCode::InvalidArgument,
                     shownPath(path) + ": the name has no extension that says the format.",
                     "Use .png, .jpg, .webp, .tiff, .exr or .avif.");
    }
    return formatNamed(extension.substr(1), extension);
}

Result<ImageFormat> imageFormatFromName(const std::string& name) {
    return formatNamed(name, "'" + name.substr(0, 40) + "'");
}

Result<void> saveImage(const Image& image, const std::filesystem::path& path,
                       const SaveOptions& options) {
    try {
        if (Result<void> possible = checkCanPublish(path, options.overwrite); !possible) {
            return possible;
        }
        const Result<std::vector<std::byte>> bytes =
            encodeImage(image, options.format, options.provenance);
        if (!bytes) {
            return Error(bytes.error().code(), shownPath(path) + ": " + bytes.error().message(),
                         bytes.error().advice());
        }
        return publishFile(*bytes, path, options.overwrite);
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory,
                     shownPath(path) + ": memory ran out while the picture was written.");
    }
}

Result<Image> loadImage(const std::filesystem::path& path) {
    const Result<InputFile> file = InputFile::open(path);
    if (!file) return file.error();
    const PictureKind kind = pictureKindOf(*file);
    const std::string format = codecName(kind);
    if (format.empty()) {
        return Error(ErrorCode::BadFile, shownPath(path) + ": this is not a picture that is known.",
                     "PNG, JPEG, WebP, TIFF, EXR, AVIF, GIF and BMP can be read.");
    }
    const Result<const codec::CodecTable*> codecs = imageCodecs();
    if (!codecs) return codecs.error();
    try {
        if (const Result<void> sound = checkColourProfile(*file, kind, shownPath(path)); !sound)
            return sound.error();
        Receiver receiver;
        const codec::PictureSink sink{&receiver, Receiver::begin};
        codec::PictureFacts facts{};
        codec::Message message{};
        const codec::Status status = (*codecs)->decode(
            format.c_str(), file->descriptorPath().c_str(), &sink, &facts, &message);
        if (status != codec::Status::Ok) return decodeError(status, message, shownPath(path), kind);
        Image& image = receiver.image;
        if (facts.linear) {
            fromLinear(image, facts.premultiplied ? Alpha::Premultiplied : Alpha::Straight);
        } else if (facts.premultiplied && image.channels == 4) {
            unpremultiply(image);
        }
        clampAll(image);
        return upright(image, facts.orientation);
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory,
                     shownPath(path) + ": memory ran out while the picture was read.");
    }
}

Result<std::vector<std::byte>> encodePng(const Image& image,
                                         const std::optional<Provenance>& provenance) {
    try {
        return encodeImage(image, ImageFormat::Png, provenance);
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory, "Memory ran out while a picture was copied.");
    }
}

std::string pixelHash(const Image& image) {
    const std::string head = std::to_string(image.width) + " " + std::to_string(image.height) +
                             " " + std::to_string(image.channels) + "\n";
    const std::vector<uint8_t> bytes = toBytes(image);
    Sha256 hash;
    hash.add(std::as_bytes(std::span(head)));
    hash.add(std::as_bytes(std::span(bytes)));
    return sha256Name(hash.digits());
}

} // namespace kinora::core
