// EXIF and XMP through exiv2.

#include "core/media/codec/guard.h"

// exiv2 0.27 still speaks of std::auto_ptr.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include <exiv2/exiv2.hpp>
#pragma GCC diagnostic pop

#include <mutex>

namespace kinora::core::codec {

namespace {

// exiv2's XMP parser is one for the process.
std::mutex& parserLock() {
    static std::mutex lock;
    return lock;
}

void prepare() {
    Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
    Exiv2::XmpParser::initialize();
}

void addExif(const Exiv2::ExifData& exif, const char* key, const char* name, Exiv2::ByteOrder order,
             const TextSink& sink) {
    const auto found = exif.findKey(Exiv2::ExifKey(key));
    if (found == exif.end() || found->size() <= 0) return;
    std::string bytes(static_cast<size_t>(found->size()), '\0');
    const long copied = found->copy(reinterpret_cast<Exiv2::byte*>(bytes.data()), order);
    bytes.resize(static_cast<size_t>(std::max(0L, copied)));
    sink.add(sink.user, name, bytes.data(), bytes.size());
}

} // namespace

Status embed(const uint8_t* file, size_t size, const uint8_t* userComment, size_t userCommentSize,
             const char* software, const char* xmp, Bytes* out, Message* message) {
    return guarded(message, [&] {
        const std::lock_guard lock(parserLock());
        prepare();
        auto image = Exiv2::ImageFactory::open(file, static_cast<long>(size));
        image->readMetadata();
        Exiv2::ExifData& exif = image->exifData();
        if (software) exif["Exif.Image.Software"] = std::string(software);
        exif["Exif.Photo.ColorSpace"] = uint16_t{1}; // sRGB
        if (userComment) {
            const Exiv2::DataValue value(userComment, static_cast<long>(userCommentSize));
            exif.add(Exiv2::ExifKey("Exif.Photo.UserComment"), &value);
        }
        if (xmp) {
            image->setXmpPacket(xmp);
            image->writeXmpFromPacket(true);
        }
        image->writeMetadata();
        Exiv2::BasicIo& io = image->io();
        if (io.open() != 0) throw CodecError{Status::Failed, "Reading the result back failed."};
        const Exiv2::DataBuf bytes = io.read(static_cast<long>(io.size()));
        *out = copied(bytes.pData_, static_cast<size_t>(bytes.size_));
    });
}

Status readExif(const char* path, const TextSink* sink, Message* message) {
    return guarded(message, [&] {
        const std::lock_guard lock(parserLock());
        prepare();
        try {
            auto image = Exiv2::ImageFactory::open(path);
            image->readMetadata();
            const Exiv2::ByteOrder order = image->byteOrder();
            addExif(image->exifData(), "Exif.Photo.UserComment", "UserComment", order, *sink);
            addExif(image->exifData(), "Exif.Image.ImageDescription", "ImageDescription", order,
                    *sink);
            addExif(image->exifData(), "Exif.Image.Software", "Software", order, *sink);
            const std::string& packet = image->xmpPacket();
            if (!packet.empty()) sink->add(sink->user, "xmp", packet.data(), packet.size());
        } catch (const Exiv2::AnyError& error) {
            throw CodecError{Status::BadFile, error.what()};
        }
    });
}

} // namespace kinora::core::codec
