#include "core/media/image_encode.h"

#include "core/media/codec_library.h"
#include "core/media/colour.h"
#include "core/media/metadata.h"
#include "core/media/png_text.h"
#include "core/media/text_encoding.h"
#include "core/media/xmp.h"

#include <nlohmann/json.hpp>

namespace kinora::core {

namespace {

using codec::CodecTable;
using FileBytes = std::vector<std::byte>;

constexpr size_t kMaximumSegmentBytes = 60'000; // of a JPEG, with room for what stands around it

// What the file will say, in every form that a format may want.
struct FileTexts {
    std::string software;
    std::string parameters;
    std::string json;      // UTF-8
    std::string asciiJson; // the same, other characters escaped
};

FileTexts textsOf(const Provenance& provenance, const Image& image) {
    Provenance complete = provenance;
    complete.outputHash = pixelHash(image);
    const nlohmann::json json = toJson(complete);
    const auto replace = nlohmann::json::error_handler_t::replace;
    return {repairedUtf8(provenance.engineVersion),
            parametersText(complete, image.width, image.height), json.dump(-1, ' ', false, replace),
            json.dump(-1, ' ', true, replace)};
}

Result<FileBytes> encodePixels(const CodecTable& codecs, const Image& image, ImageFormat format,
                               std::span<const codec::TextEntry> entries) {
    const char* name = codecName(format);
    const bool isExr = format == ImageFormat::Exr;
    std::vector<uint8_t> bytes;
    Image linear;
    if (isExr) {
        linear = image;
        toLinearPremultiplied(linear);
    } else {
        bytes = toBytes(image);
    }
    const void* pixels = isExr ? static_cast<const void*>(linear.pixels.data()) : bytes.data();
    const codec::PictureView view{image.width, image.height, image.channels, pixels};
    codec::Bytes out{};
    codec::Message message{};
    const codec::Status status =
        codecs.encode(name, &view, entries.data(), entries.size(), &out, &message);
    if (status != codec::Status::Ok) return codecError(status, message, name);
    const auto* begin = reinterpret_cast<const std::byte*>(out.data);
    FileBytes file(begin, begin + out.size);
    codecs.release(out.data);
    return file;
}

Result<FileBytes> pngWithTexts(const FileBytes& png, const std::optional<FileTexts>& texts) {
    std::vector<PngText> entries;
    if (texts) {
        entries.push_back({"parameters", texts->parameters});
        entries.push_back({"kinora", texts->json});
        XmpContent xmp;
        xmp.creatorTool = texts->software;
        xmp.digitalSourceType = kTrainedAlgorithmicMedia;
        entries.push_back({"XML:com.adobe.xmp", xmpPacket(xmp)});
    }
    return withPngTexts(png, entries);
}

Result<FileBytes> withExif(const CodecTable& codecs, const FileBytes& file, ImageFormat format,
                           const FileTexts& texts) {
    XmpContent content;
    content.creatorTool = texts.software;
    content.digitalSourceType = kTrainedAlgorithmicMedia;
    content.kinoraJson = texts.json;
    std::string packet = xmpPacket(content);
    std::string extension;
    if (format == ImageFormat::Jpeg && packet.size() > kMaximumSegmentBytes) {
        XmpContent rest;
        std::swap(rest.kinoraJson, content.kinoraJson);
        extension = xmpPacket(rest);
        content.extension = extendedXmpName(extension);
        packet = xmpPacket(content);
    }
    using namespace std::string_literals;
    const std::string comment = "UNICODE\0"s + utf8ToUtf16Be(texts.parameters);
    const bool fits = format != ImageFormat::Jpeg || comment.size() <= kMaximumSegmentBytes;
    codec::Bytes out{};
    codec::Message message{};
    const codec::Status status =
        codecs.embed(reinterpret_cast<const uint8_t*>(file.data()), file.size(),
                     fits ? reinterpret_cast<const uint8_t*>(comment.data()) : nullptr,
                     comment.size(), texts.software.c_str(), packet.c_str(), &out, &message);
    if (status != codec::Status::Ok) return codecError(status, message, codecName(format));
    const auto* begin = reinterpret_cast<const std::byte*>(out.data);
    FileBytes result(begin, begin + out.size);
    codecs.release(out.data);
    return extension.empty() ? result : withExtendedXmp(result, extension);
}

// Formats whose texts OIIO writes itself.
std::vector<codec::TextEntry> attributesFor(ImageFormat format, const FileTexts& texts) {
    if (format == ImageFormat::Avif) {
        return {{"ImageDescription", texts.asciiJson.c_str()},
                {"Software", texts.software.c_str()}};
    }
    if (format == ImageFormat::Exr) {
        return {{"parameters", texts.parameters.c_str()},
                {"kinora", texts.json.c_str()},
                {"Software", texts.software.c_str()},
                {"Iptc4xmpExt:DigitalSourceType", kTrainedAlgorithmicMedia.data()}};
    }
    return {};
}

Result<void> checkImage(const Image& image) {
    const bool sized = image.width > 0 && image.height > 0 && image.width <= codec::kMaximumSide &&
                       image.height <= codec::kMaximumSide &&
                       (image.channels == 3 || image.channels == 4);
    if (sized && image.pixels.size() == static_cast<size_t>(image.width) *
                                            static_cast<size_t>(image.height) *
                                            static_cast<size_t>(image.channels)) {
        return {};
    }
    return Error(ErrorCode::InvalidArgument, "A picture of " + std::to_string(image.width) + " x " +
                                                 std::to_string(image.height) + " pixels in " +
                                                 std::to_string(image.channels) +
                                                 " channels cannot be written.");
}

} // namespace

const char* codecName(ImageFormat format) {
    switch (format) {
    case ImageFormat::Png: return "png";
    case ImageFormat::Jpeg: return "jpeg";
    case ImageFormat::Webp: return "webp";
    case ImageFormat::Tiff: return "tiff";
    case ImageFormat::Exr: return "openexr";
    case ImageFormat::Avif: return "heif";
    }
    return "";
}

Result<FileBytes> encodeImage(const Image& image, ImageFormat format,
                              const std::optional<Provenance>& provenance) {
    if (Result<void> valid = checkImage(image); !valid) return valid.error();
    const Result<const CodecTable*> codecs = imageCodecs();
    if (!codecs) return codecs.error();
    std::optional<FileTexts> texts;
    if (provenance) texts = textsOf(*provenance, image);
    const std::vector<codec::TextEntry> attributes =
        texts ? attributesFor(format, *texts) : std::vector<codec::TextEntry>{};
    Result<FileBytes> file = format == ImageFormat::Jpeg
                                 ? encodePixels(**codecs, overWhite(image), format, attributes)
                                 : encodePixels(**codecs, image, format, attributes);
    if (!file) return file;
    switch (format) {
    case ImageFormat::Png: return pngWithTexts(*file, texts);
    case ImageFormat::Jpeg:
    case ImageFormat::Webp:
    case ImageFormat::Tiff: return texts ? withExif(**codecs, *file, format, *texts) : file;
    case ImageFormat::Exr:
    case ImageFormat::Avif: break;
    }
    return file;
}

} // namespace kinora::core
