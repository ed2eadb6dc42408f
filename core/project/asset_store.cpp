#include "core/project/asset_store.h"

#include "core/library/file_hash.h"
#include "core/media/input_file.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"
#include "kernels/base/atomic_file.h"
#include "kernels/base/disk_space.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "asset:";
constexpr size_t kDigits = 64;
constexpr size_t kLongestExtension = 16;

bool isExtension(std::string_view text) {
    return !text.empty() && text.size() <= kLongestExtension &&
           std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) && c < 0x80; });
}

Result<void> copyInto(const fs::path& from, const fs::path& to) {
    const Result<InputFile> file = InputFile::open(from);
    if (!file) return file.error();
    try {
        AtomicFile copy(to, shownPath(to));
        std::vector<std::byte> block(size_t{1} << 20);
        for (uint64_t at = 0; at < file->size(); at += block.size()) {
            const auto part = std::span(block).first(
                static_cast<size_t>(std::min<uint64_t>(block.size(), file->size() - at)));
            if (!file->read(at, part))
                return Error(ErrorCode::Io, shownPath(from) + ": cannot be read to its end.");
            copy.write(part);
        }
        copy.publish(AtomicFile::Replace::Yes); // of the same content
        return {};
    } catch (const Error& error) {
        return error;
    }
}

} // namespace

bool isAssetReference(std::string_view text) {
    if (!text.starts_with(kPrefix)) return false;
    text.remove_prefix(kPrefix.size());
    if (!isSha256Digits(text.substr(0, kDigits))) return false;
    text.remove_prefix(kDigits);
    return text.empty() || (text[0] == '.' && isExtension(text.substr(1)));
}

std::vector<std::string> assetReferencesIn(std::string_view text) {
    std::vector<std::string> references;
    for (size_t at = text.find(kPrefix); at != std::string_view::npos;
         at = text.find(kPrefix, at + 1)) {
        const std::string_view rest = text.substr(at);
        size_t size = kPrefix.size() + kDigits;
        if (!isAssetReference(rest.substr(0, size))) continue;
        size_t end = size + 1;
        while (end < rest.size() && isExtension(rest.substr(end, 1))) ++end;
        if (isAssetReference(rest.substr(0, end))) size = end;
        references.emplace_back(rest.substr(0, size));
    }
    return references;
}

bool isAssetParameter(std::string_view parameter) {
    constexpr std::string_view kFiles[] = {"latents", "init", "mask", "controlImage",
                                           "adapterImage"};
    return std::ranges::find(kFiles, parameter) != std::end(kFiles);
}

Result<std::string> AssetStore::add(const fs::path& file) const {
    FileHashes hashes{fs::path()};
    const Result<std::string> digits = hashes.hash(file);
    if (!digits) return digits.error();
    std::string extension = file.extension().string();
    if (!extension.empty() && !isExtension(extension.substr(1))) extension.clear();
    const std::string reference = std::string(kPrefix) + *digits + extension;
    if (m_folder.empty() || find(reference)) return reference;
    std::error_code error;
    if (fs::is_symlink(fs::symlink_status(m_folder, error)))
        return Error(ErrorCode::InvalidArgument,
                     shownPath(m_folder) + ": is a symbolic link; nothing is written through it.",
                     "Put a folder in its place, with the files that it leads to.");
    fs::create_directories(m_folder, error);
    if (error)
        return Error(isDiskFull(error.value()) ? ErrorCode::DiskFull : ErrorCode::Io,
                     shownPath(m_folder) + ": the folder cannot be made: " + error.message() + ".");
    if (auto copied = copyInto(file, m_folder / (*digits + extension)); !copied)
        return copied.error();
    return reference;
}

Result<fs::path> AssetStore::find(std::string_view reference) const {
    if (!isAssetReference(reference))
        return Error(ErrorCode::InvalidArgument, "This is no asset's name.",
                     "Assets are called asset:HASH.EXTENSION.");
    const std::string name(reference.substr(kPrefix.size()));
    const fs::path path = m_folder / name;
    std::error_code ignored;
    if (fs::is_symlink(fs::symlink_status(path, ignored)))
        return Error(ErrorCode::BadFile,
                     shownPath(path) + ": is a symbolic link; an asset is a file of its own.",
                     "Put a copy of the file itself in its place.");
    FileHashes hashes{fs::path()};
    const Result<std::string> digits = hashes.hash(path);
    if (!digits)
        return Error(digits.error().code(), digits.error().message(),
                     "The project needs this file: copy the whole folder, or pack it.");
    if (*digits != name.substr(0, kDigits))
        return Error(ErrorCode::BadFile, shownPath(path) + ": is not the file that it was.",
                     "Copy it again from where the project came from.");
    return path;
}

} // namespace kinora::core
