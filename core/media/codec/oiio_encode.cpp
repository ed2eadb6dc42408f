// Pictures to bytes. OIIO writes into an anonymous file in memory, so that every format goes one
// way and the disk is touched only by whoever publishes the result.

#include "core/media/codec/guard.h"
#include "core/media/codec/srgb_profile.h"
#include "core/media/codec/webp_container.h"

#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace kinora::core::codec {

namespace {

class MemoryFile {
  public:
    MemoryFile() : m_descriptor(memfd_create("kinora", MFD_CLOEXEC)) {
        if (m_descriptor < 0) {
            throw CodecError{Status::Failed,
                             std::string("An anonymous file: ") + std::strerror(errno)};
        }
    }
    ~MemoryFile() { close(m_descriptor); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(m_descriptor); }

    // The limit on files (ulimit -f) holds for files in memory too, and libraries that meet it end
    // without a word.
    bool meetsLimit() const {
        rlimit limit{};
        struct stat status{};
        return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
               fstat(m_descriptor, &status) == 0 &&
               static_cast<rlim_t>(status.st_size) >= limit.rlim_cur;
    }

    std::vector<uint8_t> bytes() const {
        struct stat status{};
        if (fstat(m_descriptor, &status) != 0) throw CodecError{Status::Failed, "fstat failed."};
        std::vector<uint8_t> all(static_cast<size_t>(status.st_size));
        for (size_t done = 0; done < all.size();) {
            const ssize_t got =
                pread(m_descriptor, &all[done], all.size() - done, static_cast<off_t>(done));
            if (got <= 0) throw CodecError{Status::Failed, "Reading the result back failed."};
            done += static_cast<size_t>(got);
        }
        return all;
    }

  private:
    int m_descriptor;
};

OIIO::ImageSpec specFor(const std::string& format, const PictureView& picture) {
    OIIO::ImageSpec spec(picture.width, picture.height, picture.channels,
                         format == "openexr" ? OIIO::TypeDesc::HALF : OIIO::TypeDesc::UINT8);
    spec.attribute("oiio:ColorSpace", format == "openexr" ? "Linear" : "sRGB");
    if (format != "openexr") spec.attribute("oiio:UnassociatedAlpha", 1);
    // A number where a text belongs: OIIO then writes no time of its own.
    const int noTime = 0;
    spec.attribute("DateTime", noTime);
    if (format == "jpeg") {
        spec.attribute("compression", "jpeg:95");
        spec.attribute("jpeg:subsampling", "4:4:4");
    }
    if (format == "webp") spec.attribute("compression", "webp:95");
    if (format == "heif") spec.attribute("compression", "avif:95");
    if (format == "tiff") spec.attribute("compression", "zip");
    if (format == "openexr") spec.attribute("compression", "zip");
    if (format == "jpeg" || format == "tiff") {
        const std::vector<uint8_t> profile = srgbProfile();
        spec.attribute("ICCProfile",
                       OIIO::TypeDesc(OIIO::TypeDesc::UINT8, static_cast<int>(profile.size())),
                       profile.data());
    }
    return spec;
}

// OIIO leaves an AVIF's colours unspecified (CICP 2, 2): says sRGB (1, 13) in their place.
void tagAvif(std::vector<uint8_t>& bytes) {
    static constexpr uint8_t unspecified[] = {'c', 'o', 'l', 'r', 'n', 'c', 'l', 'x', 0, 2, 0, 2};
    const auto found =
        std::search(bytes.begin(), bytes.end(), std::begin(unspecified), std::end(unspecified));
    if (found == bytes.end()) return;
    found[9] = 1;
    found[11] = 13;
}

std::vector<uint8_t> encoded(const std::string& format, const PictureView& picture,
                             std::span<const TextEntry> texts) {
    const std::unique_ptr<OIIO::ImageOutput> output = OIIO::ImageOutput::create(format);
    if (!output) throw CodecError{Status::Unsupported, OIIO::geterror()};
    const MemoryFile file;
    OIIO::ImageSpec spec = specFor(format, picture);
    for (const TextEntry& text : texts) spec.attribute(text.key, text.value);
    const OIIO::TypeDesc type = format == "openexr" ? OIIO::TypeDesc::FLOAT : OIIO::TypeDesc::UINT8;
    const bool written = output->open(file.path(), spec) &&
                         output->write_image(type, picture.pixels) && output->close();
    if (file.meetsLimit()) {
        throw CodecError{Status::DiskFull,
                         "the file is larger than files may be here (ulimit -f)."};
    }
    if (!written) {
        throw CodecError{Status::Failed, output->geterror()};
    }
    return file.bytes();
}

// OIIO 2.4 takes WebP's colour for premultiplied and divides it by alpha, in 8 bits. So colour is
// written without alpha, alpha with black (which division leaves black), and both are joined.
std::vector<uint8_t> encodedWebp(const PictureView& picture) {
    const auto* pixels = static_cast<const uint8_t*>(picture.pixels);
    const size_t count = static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height);
    std::vector<uint8_t> colour(count * 3);
    std::vector<uint8_t> alpha(count * 4);
    for (size_t i = 0; i < count; ++i) {
        std::copy_n(&pixels[i * 4], 3, &colour[i * 3]);
        alpha[i * 4 + 3] = pixels[i * 4 + 3];
    }
    return joinedWebp(encoded("webp", {picture.width, picture.height, 3, colour.data()}, {}),
                      encoded("webp", {picture.width, picture.height, 4, alpha.data()}, {}));
}

// OIIO 2.4 copies whole rows of libheif's stride, which is longer than a row of the picture: past
// the end of the last one. So the pixels get room behind them.
std::vector<uint8_t> encodedAvif(const PictureView& picture, std::span<const TextEntry> texts) {
    constexpr size_t kLongestStridePadding = 4096;
    const size_t rowBytes =
        static_cast<size_t>(picture.width) * static_cast<size_t>(picture.channels);
    const auto* pixels = static_cast<const uint8_t*>(picture.pixels);
    std::vector<uint8_t> padded(pixels, pixels + rowBytes * static_cast<size_t>(picture.height));
    padded.resize(padded.size() + rowBytes + kLongestStridePadding);
    std::vector<uint8_t> bytes =
        encoded("heif", {picture.width, picture.height, picture.channels, padded.data()}, texts);
    tagAvif(bytes);
    return bytes;
}

} // namespace

Status encode(const char* format, const PictureView* picture, const TextEntry* texts,
              size_t textCount, Bytes* out, Message* message) {
    return guarded(message, [&] {
        quieten();
        const std::string name = format;
        const std::span<const TextEntry> entries(texts, textCount);
        const std::vector<uint8_t> bytes = name == "webp" && picture->channels == 4
                                               ? encodedWebp(*picture)
                                           : name == "heif" ? encodedAvif(*picture, entries)
                                                            : encoded(name, *picture, entries);
        *out = copied(bytes.data(), bytes.size());
    });
}

} // namespace kinora::core::codec
