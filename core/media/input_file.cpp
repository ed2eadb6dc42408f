#include "core/media/input_file.h"

#include "core/media/text_encoding.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace kinora::core {

namespace {

Error openError(const std::string& path, int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return Error(ErrorCode::NotFound, path + ": there is no such file.", "Check the name.");
    case ELOOP:
        return Error(ErrorCode::BadFile, path + ": its symbolic links lead in a circle.",
                     "Name the file itself.");
    case EACCES:
        return Error(ErrorCode::Io, path + ": may not be read.", "Change its permissions.");
    case ENAMETOOLONG:
        return Error(ErrorCode::NotFound, path + ": the name is longer than a file's can be.",
                     "Check the name.");
    default:
        return Error(ErrorCode::Io, path + ": cannot be opened: " + std::strerror(error) + ".",
                     "Check the disk, then try again.");
    }
}

} // namespace

Result<InputFile> InputFile::open(const std::filesystem::path& path) {
    // Not to wait for a pipe's other end, not to become the owner of a terminal.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) {
        return openError(shownPath(path), errno);
    }
    struct stat status{};
    const bool known = fstat(descriptor, &status) == 0;
    InputFile file(descriptor, known ? static_cast<uint64_t>(status.st_size) : 0);
    if (!known || !S_ISREG(status.st_mode)) {
        if (known && S_ISDIR(status.st_mode))
            return Error(ErrorCode::BadFile, shownPath(path) + ": is a folder, not a file.",
                         "Name the file inside it.");
        return Error(ErrorCode::BadFile, shownPath(path) + ": is a pipe or a device, not a file.",
                     "Copy it to a disk first.");
    }
    if (status.st_size == 0)
        return Error(ErrorCode::BadFile, shownPath(path) + ": is empty.", "Get it again.");
    return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)), m_size(other.m_size) {}

InputFile::~InputFile() {
    if (m_descriptor >= 0) close(m_descriptor);
}

bool InputFile::read(uint64_t offset, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
        const ssize_t got =
            pread(m_descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        bytes = bytes.subspan(static_cast<size_t>(got));
        offset += static_cast<uint64_t>(got);
    }
    return true;
}

ByteSource InputFile::source() const {
    return {m_size,
            [this](uint64_t offset, std::span<std::byte> bytes) { return read(offset, bytes); }};
}

PictureKind pictureKindOf(const InputFile& file) {
    std::array<std::byte, 16> head{};
    const size_t size = static_cast<size_t>(std::min<uint64_t>(head.size(), file.size()));
    if (!file.read(0, std::span(head).first(size))) return PictureKind::Unknown;
    using namespace std::string_view_literals;
    const std::string_view bytes(reinterpret_cast<const char*>(head.data()), head.size());
    if (bytes.starts_with("\x89PNG\r\n\x1A\n"sv)) return PictureKind::Png;
    if (bytes.starts_with("\xFF\xD8\xFF"sv)) return PictureKind::Jpeg;
    if (bytes.starts_with("RIFF"sv) && bytes.substr(8, 4) == "WEBP"sv) return PictureKind::Webp;
    for (const std::string_view mark : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv}) {
        if (bytes.starts_with(mark)) return PictureKind::Tiff;
    }
    if (bytes.starts_with("\x76\x2F\x31\x01"sv)) return PictureKind::Exr;
    if (bytes.substr(4, 4) == "ftyp"sv) {
        for (const std::string_view brand : {"avif"sv, "avis"sv, "heic"sv, "heix"sv, "mif1"sv}) {
            if (bytes.substr(8, 4) == brand) return PictureKind::Heif;
        }
    }
    if (bytes.starts_with("GIF8"sv)) return PictureKind::Gif;
    if (bytes.starts_with("BM"sv)) return PictureKind::Bmp;
    return PictureKind::Unknown;
}

std::string codecName(PictureKind kind) {
    switch (kind) {
    case PictureKind::Png: return "png";
    case PictureKind::Jpeg: return "jpeg";
    case PictureKind::Webp: return "webp";
    case PictureKind::Tiff: return "tiff";
    case PictureKind::Exr: return "openexr";
    case PictureKind::Heif: return "heif";
    case PictureKind::Gif: return "gif";
    case PictureKind::Bmp: return "bmp";
    case PictureKind::Unknown: break;
    }
    return {};
}

Error damagedPicture(const std::string& file, PictureKind kind) {
    std::string name = codecName(kind);
    if (kind == PictureKind::Exr) name = "exr";
    if (kind == PictureKind::Heif) name = "avif";
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c - 32); });
    if (kind == PictureKind::Webp) name = "WebP";
    const char* article = kind == PictureKind::Exr || kind == PictureKind::Heif ? "an " : "a ";
    return Error(ErrorCode::BadFile, file + ": is damaged, or not " + article + name + " picture.",
                 "It may have been cut short; get it again.");
}

} // namespace kinora::core
