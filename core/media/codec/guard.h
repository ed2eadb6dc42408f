#pragma once
// Keeps exceptions inside the library: each function of the table runs its body in guarded().

#include "core/media/codec/codec_table.h"

#include <exception>
#include <new>
#include <string>
#include <string_view>

namespace kinora::core::codec {

struct CodecError {
    Status status;
    std::string text;
};

void setMessage(Message* message, std::string_view text);

template <typename Body> Status guarded(Message* message, Body body) {
    try {
        body();
        return Status::Ok;
    } catch (const CodecError& error) {
        setMessage(message, error.text);
        return error.status;
    } catch (const std::bad_alloc&) {
        setMessage(message, "Memory ran out.");
        return Status::OutOfMemory;
    } catch (const std::exception& error) {
        setMessage(message, error.what());
        return Status::Failed;
    } catch (...) {
        setMessage(message, "An unknown error.");
        return Status::Failed;
    }
}

// A copy that release() frees. Throws std::bad_alloc.
Bytes copied(const void* data, size_t size);

// OIIO writes remarks to stderr and starts threads of its own; neither belongs into a program that
// has its own log and asks for few threads.
void quieten();

// The functions, in oiio_encode.cpp, oiio_decode.cpp and exif.cpp.
Status encode(const char* format, const PictureView*, const TextEntry* texts, size_t textCount,
              Bytes* out, Message*);
Status decode(const char* format, const char* path, const PictureSink*, PictureFacts*, Message*);
Status readHeader(const char* format, const char* path, PictureFacts*, const TextSink*, Message*);
Status embed(const uint8_t* file, size_t size, const uint8_t* userComment, size_t userCommentSize,
             const char* software, const char* xmp, Bytes* out, Message*);
Status readExif(const char* path, const TextSink*, Message*);

} // namespace kinora::core::codec
