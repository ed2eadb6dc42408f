#include "core/project/sheet_writer.h"

#include "core/library/file_hash.h"
#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"
#include "core/project/contact_sheet.h"

#include <algorithm>
#include <exception>
#include <new>
#include <span>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;

Result<std::string> hashOf(const fs::path& file) {
    FileHashes hashes{fs::path()};
    Result<std::string> digits = hashes.hash(file);
    return digits ? Result<std::string>(sha256Name(*digits)) : digits;
}

// Of what the sheet shows.
Result<std::string> keyOf(const GridSheet& sheet, const std::vector<fs::path>& pictures) {
    std::string text = "sheet " + std::to_string(sheet.columns) + "\n";
    for (size_t i = 0; i < pictures.size(); ++i) {
        const Result<std::string> hash = hashOf(pictures[i]);
        if (!hash) return hash.error();
        text += *hash;
        for (const std::string& line : sheet.captions[i]) text += " " + line;
        text += "\n";
    }
    Sha256 hash;
    hash.add(std::as_bytes(std::span(text)));
    return sha256Name(hash.digits());
}

// One by one: a grid of large pictures does not fit into memory at once.
Result<Image> draw(const GridSheet& sheet, const std::vector<fs::path>& pictures) {
    int width = 1, height = 1;
    for (const fs::path& picture : pictures) {
        const Result<PictureInfo> info = readPictureInfo(picture);
        if (!info) return info.error();
        width = std::max(width, info->width);
        height = std::max(height, info->height);
    }
    ContactSheet drawn(sheet.captions, sheet.columns, width, height);
    for (size_t i = 0; i < pictures.size(); ++i) {
        const Result<Image> image = loadImage(pictures[i]);
        if (!image) return image.error();
        drawn.draw(i, *image);
    }
    return drawn.take();
}

bool shows(const fs::path& path, const Image& image) {
    const Result<Image> there = loadImage(path);
    return there && pixelHash(*there) == pixelHash(image);
}

Result<SheetOutcome> write(const GridSheet& sheet, const std::vector<fs::path>& pictures,
                           const fs::path& path, bool overwrite, ProjectHistory& history) {
    const Result<std::string> key = keyOf(sheet, pictures);
    if (!key) return key.error();
    SaveOptions save;
    save.overwrite = overwrite ? Overwrite::Yes : Overwrite::No;
    std::error_code ignored;
    bool isUnknown = false; // it is there, and no line tells of it: the history was lost
    if (fs::exists(fs::symlink_status(path, ignored))) {
        const Result<std::string> there = hashOf(path);
        const auto last = history.latest(sheet.name);
        const bool isOurs = there && last && last->fileHash == *there;
        if (isOurs && last->request == *key) return SheetOutcome::Present;
        isUnknown = !last;
        if (isOurs) save.overwrite = Overwrite::Yes; // of pictures that are others now
    }
    const Result<Image> drawn = draw(sheet, pictures);
    if (!drawn) return drawn.error();
    const Image& image = *drawn;
    const bool isFound = isUnknown && shows(path, image);
    if (!isFound)
        if (const auto saved = saveImage(image, path, save); !saved) return saved.error();
    const Result<std::string> hash = hashOf(path);
    if (!hash) return hash.error();
    HistoryResult result;
    result.task = sheet.tasks.front();
    result.file = sheet.name;
    result.request = *key;
    result.fileHash = *hash;
    result.pixelHash = pixelHash(image);
    if (const auto noted = history.addResult(result); !noted) return noted.error();
    return isFound ? SheetOutcome::Present : SheetOutcome::Made;
}

} // namespace

Result<SheetOutcome> writeSheet(const GridSheet& sheet, const std::vector<fs::path>& pictures,
                                const fs::path& path, bool overwrite, ProjectHistory& history) {
    try {
        return write(sheet, pictures, path, overwrite, history);
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory,
                     shownPath(path) + ": memory ran out while the sheet was drawn.");
    } catch (const std::exception& error) {
        return Error(ErrorCode::Internal, shownPath(path) + ": " + error.what());
    }
}

} // namespace kinora::core
