#include "app/models/picture_store.h"

#include "app/cli/output_names.h"
#include "app/models/background.h"
#include "app/models/picture_conversion.h"

#include <QImageReader>

#include <algorithm>
#include <system_error>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

constexpr int kThumbnailPixels = 224;
constexpr int kNameAttempts = 20;

// Advice of the command line names an option; the window has a button for it.
Error inWindowWords(const Error& error) {
    if (error.advice().find("--output") == std::string::npos) return error;
    return Error(error.code(), error.message(), "Save it elsewhere with Save as.");
}

Result<fs::path> writePicture(const core::Image& image, const core::Provenance& provenance,
                              const fs::path& folder) {
    OutputRequest request;
    request.defaultFolder = folder;
    request.prompt = provenance.request.prompt;
    request.model = provenance.modelName;
    request.seed = provenance.request.seed.value_or(0);
    // Another program may take the name between asking and writing: ask again.
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
        fs::path path;
        try {
            const OutputNames names = planOutputs(request);
            for (const fs::path& needed : names.folders) fs::create_directories(needed);
            path = names.paths.front();
        } catch (const Error& error) {
            return inWindowWords(error);
        } catch (const fs::filesystem_error& error) {
            return Error(ErrorCode::Io, folder.string() + " cannot be made: " + error.what(),
                         "Choose another folder with Save as.");
        }
        core::SaveOptions options;
        options.provenance = provenance;
        const Result<void> saved = core::saveImage(image, path, options);
        if (saved) return path;
        std::error_code ignored;
        const bool nameTaken =
            saved.error().code() == ErrorCode::InvalidArgument && fs::exists(path, ignored);
        if (!nameTaken) return inWindowWords(saved.error());
    }
    return Error(ErrorCode::Io, "No free name was found in " + folder.string() + ".",
                 "Choose a name with Save as.");
}

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

void PictureStore::autosave(std::shared_ptr<const core::Image> image,
                            const core::Provenance& provenance, Saved done) {
    runInBackground(
        m_savers, this,
        [image, provenance, folder = m_folder] { return writePicture(*image, provenance, folder); },
        std::move(done));
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
