#include "core/media/codec_library.h"

#include "core/media/image_file.h"
#include "core/media/text_encoding.h"
#include "kernels/base/log.h"

#include <dlfcn.h>
#include <filesystem>
#include <thread>

namespace kinora::core {

namespace {

constexpr const char* kFileName = "libkinora_media.so";

std::filesystem::path folderOfThisLibrary() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&imageCodecs), &info) == 0) return {};
    return std::filesystem::path(info.dli_fname).parent_path();
}

Result<const codec::CodecTable*> open() {
    const std::filesystem::path path = folderOfThisLibrary() / kFileName;
    const char* advice = "Install Kinora again, or build the target kinora_media.";
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
        return Error(ErrorCode::NotFound,
                     "The library for picture files is missing: " + path.string() + ".", advice);
    }
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        return Error(ErrorCode::Unsupported,
                     std::string("The library for picture files cannot be opened: ") + dlerror() +
                         ".",
                     advice);
    }
    const auto entry = reinterpret_cast<codec::EntryPoint>(dlsym(library, codec::kEntryPoint));
    const codec::CodecTable* table = entry ? entry() : nullptr;
    if (!table || table->version != codec::kVersion) {
        return Error(ErrorCode::Unsupported,
                     "The library for picture files is of another version: " + path.string() + ".",
                     advice);
    }
    return table;
}

// Joins at the end of the process: main may return while the library is still being opened.
class Preload {
  public:
    Preload() : m_thread([] { (void)imageCodecs(); }) {}
    ~Preload() { m_thread.join(); }
    Preload(const Preload&) = delete;
    Preload& operator=(const Preload&) = delete;

  private:
    std::thread m_thread;
};

ErrorCode codeFor(codec::Status status) {
    switch (status) {
    case codec::Status::BadFile: return ErrorCode::BadFile;
    case codec::Status::Unsupported: return ErrorCode::Unsupported;
    case codec::Status::OutOfMemory: return ErrorCode::OutOfMemory;
    case codec::Status::DiskFull: return ErrorCode::DiskFull;
    case codec::Status::Ok:
    case codec::Status::Failed: break;
    }
    return ErrorCode::Io;
}

} // namespace

Result<const codec::CodecTable*> imageCodecs() {
    // The process has the library once; the lock of the initialisation makes the first caller load
    // it and the others wait.
    static const Result<const codec::CodecTable*> table = open();
    return table;
}

void preloadImageCodecs() {
    static const Preload preload;
}

Error codecError(codec::Status status, const codec::Message& message, const std::string& file) {
    // Descriptors are how the libraries were given the file: no name that a person knows.
    std::string text = repairedUtf8(message.text);
    if (text.find("/proc/self/fd") != std::string::npos || text.empty()) {
        text = "the picture is of a kind that is not read here";
    }
    return Error(codeFor(status), file + ": " + text + (text.ends_with('.') ? "" : "."));
}

Error decodeError(codec::Status status, const codec::Message& message, const std::string& file,
                  PictureKind kind) {
    if (status == codec::Status::Unsupported || status == codec::Status::OutOfMemory) {
        const Error error = codecError(status, message, file);
        return Error(error.code(), error.message(),
                     status == codec::Status::OutOfMemory
                         ? "Close other programs, or make the picture smaller."
                         : "Save it from a picture editor as a PNG in RGB, 16384 x 16384 pixels at "
                           "most.");
    }
    // What a library says of damage (record types, numbers out of garbage) helps only who mends it.
    logMessage(LogLevel::Info, file + ": " + repairedUtf8(message.text));
    return damagedPicture(file, kind);
}

} // namespace kinora::core
