#include "app/models/guide_pictures.h"

#include "app/models/background.h"
#include "app/models/picture_conversion.h"
#include "core/media/colour.h"
#include "core/media/image_file.h"
#include "core/media/prepare/prepare_picture.h"
#include "core/media/publish_file.h"
#include "core/media/resize_image.h"
#include "core/media/sha256.h"

#include <QBuffer>

#include <algorithm>
#include <exception>
#include <new>
#include <span>
#include <system_error>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

Result<QImage> shown(const fs::path& file, const std::string& prepare) {
    try {
        Result<core::Image> image = core::loadImage(file);
        if (!image) return image.error();
        const int longest = std::max(image->width, image->height);
        if (longest > GuidePictures::kSide) {
            const auto fitted = [&](int side) {
                return std::max(1,
                                static_cast<int>(int64_t{side} * GuidePictures::kSide / longest));
            };
            *image = core::resizeImage(*image, fitted(image->width), fitted(image->height));
        }
        if (prepare == "none") return toQImage(*image);
        return toQImage(core::preparePicture(core::overWhite(*image), prepare));
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory, "There is no memory to show the picture.");
    }
}

Result<fs::path> kept(const QImage& picture, const fs::path& folder) {
    constexpr size_t kDigits = 32;
    QByteArray png;
    QBuffer buffer(&png);
    if (!buffer.open(QIODevice::WriteOnly) || !picture.save(&buffer, "PNG"))
        return Error(ErrorCode::BadFile, "The picture could not be read.", "Save it as a file.");
    const auto bytes = std::as_bytes(std::span(png.constData(), static_cast<size_t>(png.size())));
    core::Sha256 hash;
    hash.add(bytes);
    const fs::path file = folder / (hash.digits().substr(0, kDigits) + ".png");
    std::error_code error;
    if (fs::is_regular_file(file, error)) return file;
    fs::create_directories(folder, error);
    const Result<void> published = core::publishFile(bytes, file, core::Overwrite::No);
    if (!published && !fs::is_regular_file(file, error)) return published.error();
    return file;
}

} // namespace

GuidePictures::GuidePictures(fs::path folder, QObject* parent)
    : QObject(parent), m_folder(std::move(folder)) {
    m_pool.setMaxThreadCount(1);
}

GuidePictures::~GuidePictures() {
    m_pool.clear();
    m_pool.waitForDone();
}

void GuidePictures::show(const fs::path& file, const std::string& prepare,
                         std::function<void(Result<QImage>)> done) {
    runInBackground(
        m_pool, this, [file, prepare] { return shown(file, prepare); }, std::move(done));
}

void GuidePictures::keep(const QImage& picture, std::function<void(Result<fs::path>)> done) {
    runInBackground(
        m_pool, this, [picture, folder = m_folder] { return kept(picture, folder); },
        std::move(done));
}

} // namespace kinora::app
