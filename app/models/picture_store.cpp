#include "app/models/picture_store.h"

#include "app/models/background.h"
#include "app/models/picture_conversion.h"

#include <QImageReader>

#include <algorithm>
#include <system_error>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

constexpr int kThumbnailPixels = 224;

Result<fs::path> writePictureTo(const core::Image& image,
                                const std::optional<core::Provenance>& provenance,
                                const fs::path& path) {
    const Result<core::ImageFormat> format = core::imageFormatFromPath(path);
    if (!format) return format.error();
    core::SaveOptions options;
    options.format = *format;
    options.overwrite = core::Overwrite::Yes; // the file dialog has asked
    options.provenance = provenance;
    const Result<void> saved = core::saveImage(image, path, options);
    if (!saved) return saved.error();
    return path;
}

std::vector<StoredPicture> newestPictures(const fs::path& folder, int count) {
    struct Candidate {
        fs::file_time_type time;
        fs::path path;
    };
    std::vector<Candidate> candidates;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        std::error_code ignored;
        if (entry->path().extension() == ".png" && entry->is_regular_file(ignored))
            candidates.push_back({entry->last_write_time(ignored), entry->path()});
    }
    std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
        return a.time != b.time ? a.time > b.time : a.path > b.path;
    });
    std::vector<StoredPicture> pictures;
    for (const Candidate& candidate : candidates) {
        if (static_cast<int>(pictures.size()) >= count) break;
        QImageReader reader(QString::fromStdString(candidate.path.string()), "png");
        const QSize size = reader.size();
        if (!size.isValid()) continue;
        if (size.width() > kThumbnailPixels && size.height() > kThumbnailPixels)
            reader.setScaledSize(
                size.scaled(2 * kThumbnailPixels, 2 * kThumbnailPixels, Qt::KeepAspectRatio));
        const QImage thumbnail = thumbnailOf(reader.read(), kThumbnailPixels);
        if (!thumbnail.isNull()) pictures.push_back({candidate.path, thumbnail, size});
    }
    return pictures;
}

} // namespace

PictureStore::PictureStore(fs::path folder, QObject* parent)
    : QObject(parent), m_folder(std::move(folder)) {
    m_savers.setMaxThreadCount(1);
    m_loaders.setMaxThreadCount(1);
}

PictureStore::~PictureStore() {
    m_loaders.clear();
    m_loaders.waitForDone();
    m_savers.waitForDone();
}

void PictureStore::saveAs(std::shared_ptr<const core::Image> image,
                          const std::optional<core::Provenance>& provenance, const fs::path& path,
                          Saved done) {
    runInBackground(
        m_savers, this,
        [image, provenance, path] { return writePictureTo(*image, provenance, path); },
        std::move(done));
}

void PictureStore::encode(std::shared_ptr<const core::Image> image,
                          const std::optional<core::Provenance>& provenance,
                          std::function<void(Result<std::vector<std::byte>>)> done) {
    runInBackground(
        m_loaders, this, [image, provenance] { return core::encodePng(*image, provenance); },
        std::move(done));
}

void PictureStore::load(
    const fs::path& path,
    std::function<void(Result<std::shared_ptr<const core::Image>>, QImage)> done) {
    using Loaded = std::pair<Result<std::shared_ptr<const core::Image>>, QImage>;
    runInBackground(
        m_loaders, this,
        [path]() -> Loaded {
            Result<core::Image> image = core::loadImage(path);
            if (!image) return {image.error(), QImage()};
            const QImage shown = toQImage(*image);
            return {std::make_shared<const core::Image>(*std::move(image)), shown};
        },
        [done = std::move(done)](Loaded loaded) { done(std::move(loaded.first), loaded.second); });
}

void PictureStore::readInfo(const fs::path& path,
                            std::function<void(Result<core::PictureInfo>)> done) {
    runInBackground(
        m_loaders, this, [path] { return core::readPictureInfo(path); }, std::move(done));
}

void PictureStore::listNewest(int count, std::function<void(std::vector<StoredPicture>)> done) {
    runInBackground(
        m_loaders, this, [folder = m_folder, count] { return newestPictures(folder, count); },
        std::move(done));
}

} // namespace kinora::app
