#pragma once
// What libkinora_media.so offers to libkinora.so: plain types and functions, so that neither links
// the other and no exception or C++ object crosses. Read by both sides; versioned.
//
// All functions may be called from any thread. Text is UTF-8 unless said otherwise.

#include <cstddef>
#include <cstdint>

namespace kinora::core::codec {

inline constexpr uint32_t kVersion = 2;
inline constexpr int32_t kMaximumSide = 16384;

enum class Status : int32_t {
    Ok = 0,
    BadFile,     // malformed
    Unsupported, // well-formed, but not something that is read here
    OutOfMemory,
    Failed, // anything else
    DiskFull,
};

// Filled where a function does not answer Ok. Always ends with NUL.
struct Message {
    char text[512];
};

struct Bytes {
    uint8_t* data; // freed with CodecTable::release
    size_t size;
};

// A picture to be written. Rows from the top, channels interleaved.
struct PictureView {
    int32_t width, height;
    int32_t channels; // 3, or 4 with alpha
    const void*
        pixels; // float for "openexr" (linear, premultiplied), else uint8_t (sRGB, straight)
};

struct TextEntry {
    const char* key;
    const char* value;
};

// A picture that is being read. begin is called once, before any pixel is decoded, and returns
// room for width x height x channels floats, or nullptr to give up.
struct PictureSink {
    void* user;
    float* (*begin)(void* user, int32_t width, int32_t height, int32_t channels);
};

struct PictureFacts {
    int32_t width, height;
    int32_t linear;        // the numbers are linear light, else sRGB-encoded
    int32_t premultiplied; // colour is multiplied by alpha
    int32_t orientation;   // EXIF: 1 upright, 2 to 8 to be turned or mirrored
};

// Called once for each entry; value is valid during the call, of any bytes.
struct TextSink {
    void* user;
    void (*add)(void* user, const char* key, const char* value, size_t size);
};

struct CodecTable {
    uint32_t version;

    // format: OIIO's name ("png", "jpeg", "webp", "tiff", "openexr", "heif"). texts are string
    // attributes where the format has such. The same input gives the same bytes.
    Status (*encode)(const char* format, const PictureView*, const TextEntry* texts,
                     size_t textCount, Bytes* out, Message*);
    // path: a regular file. Gray becomes RGB, palettes are looked up, CMYK is Unsupported.
    Status (*decode)(const char* format, const char* path, const PictureSink*, PictureFacts*,
                     Message*);
    // Size and string attributes, without decoding.
    Status (*readHeader)(const char* format, const char* path, PictureFacts*, const TextSink*,
                         Message*);

    // EXIF and XMP of JPEG, WebP and TIFF. userComment: the raw bytes of the tag. xmp: a packet.
    Status (*embed)(const uint8_t* file, size_t size, const uint8_t* userComment,
                    size_t userCommentSize, const char* software, const char* xmp, Bytes* out,
                    Message*);
    // Entries "UserComment" (raw bytes of the tag), "ImageDescription", "Software", "xmp".
    Status (*readExif)(const char* path, const TextSink*, Message*);

    void (*release)(uint8_t* data);
};

// The one symbol of the library.
inline constexpr const char* kEntryPoint = "kinoraCodecs";
using EntryPoint = const CodecTable* (*)();

} // namespace kinora::core::codec
