#include "app/models/result_collector.h"

#include <algorithm>

namespace kinora::app {
namespace {

constexpr int kMostNew = 16; // between two looks at what another process does

GalleryItem tileOf(StoredPicture stored) {
    GalleryItem item;
    item.done = true;
    item.progress = 1;
    item.title = QString::fromStdString(stored.path.stem().string());
    item.size = stored.size;
    item.thumbnail = stored.thumbnail;
    item.path = std::move(stored.path);
    return item;
}

} // namespace

ResultCollector::ResultCollector(JobController& jobs, GalleryModel& gallery, PictureStore& store,
                                 QObject* parent)
    : QObject(parent), m_jobs(jobs), m_gallery(gallery), m_store(store) {
    connect(&jobs, &JobController::pictureBegun, this, &ResultCollector::begin);
    connect(&jobs, &JobController::jobChanged, this, &ResultCollector::showProgress);
    connect(&jobs, &JobController::previewReady, this, &ResultCollector::showPreview);
    connect(&jobs, &JobController::pictureReady, this, &ResultCollector::finish);
    connect(&jobs, &JobController::jobEnded, this, &ResultCollector::dropUnfinished);
    connect(&jobs, &JobController::jobInterrupted, this, &ResultCollector::dropUnfinished);
    connect(&jobs, &JobController::othersMadePictures, this, &ResultCollector::loadNew);
}

void ResultCollector::begin(qint64 job, qint64 picture) {
    if (m_gallery.idOf(job, picture) != 0) return;
    const Job* source = m_jobs.find(job);
    if (source == nullptr) return;
    GalleryItem item;
    item.job = job;
    item.picture = picture;
    item.title = QString::fromStdString(source->request.prompt);
    item.size = QSize(static_cast<int>(source->request.width.value_or(0)),
                      static_cast<int>(source->request.height.value_or(0)));
    emit tileBegun(m_gallery.addNewest(std::move(item)));
}

void ResultCollector::showProgress(qint64 job) {
    const Job* source = m_jobs.find(job);
    if (source == nullptr || source->state != JobState::Running || source->steps <= 0) return;
    const int id = m_gallery.idOf(job, source->picture);
    const GalleryItem* item = m_gallery.item(id);
    if (item == nullptr || item->done) return;
    m_gallery.change(id, [&](GalleryItem& tile) {
        tile.progress = static_cast<double>(source->step) / static_cast<double>(source->steps);
    });
}

void ResultCollector::showPreview(qint64 job, qint64 picture, const QImage& image) {
    begin(job, picture);
    const int id = m_gallery.idOf(job, picture);
    const GalleryItem* item = m_gallery.item(id);
    if (item == nullptr || item->done) return;
    m_gallery.change(id, [&](GalleryItem& tile) { tile.preview = image; });
}

void ResultCollector::finish(qint64 job, qint64 picture, const ResultPicture& result) {
    begin(job, picture);
    const int id = m_gallery.idOf(job, picture);
    if (id == 0) return;
    m_gallery.change(id, [&](GalleryItem& tile) {
        tile.done = true;
        tile.progress = 1;
        tile.preview = {};
        tile.image = result.image;
        tile.thumbnail = result.thumbnail;
        tile.source = result.source;
        tile.size = result.image.size();
        tile.provenance = result.provenance;
        tile.path = result.path;
    });
    emit pictureDone(id);
    emit saved(id, QString::fromStdString(result.path.string()));
}

void ResultCollector::dropUnfinished(qint64 job) {
    for (int row = m_gallery.rowCount() - 1; row >= 0; --row) {
        const GalleryItem* item = m_gallery.itemAt(row);
        if (item->job == job && !item->done) m_gallery.take(item->id);
    }
}

void ResultCollector::loadEarlier(int count) {
    m_store.listNewest(count, [this](std::vector<StoredPicture> pictures) {
        for (StoredPicture& stored : pictures)
            if (!isShown(stored.path)) m_gallery.addOldest(tileOf(std::move(stored)));
        emit earlierLoaded();
    });
}

void ResultCollector::loadNew() {
    m_store.listNewest(kMostNew, [this](std::vector<StoredPicture> pictures) {
        std::ranges::reverse(pictures);
        for (StoredPicture& stored : pictures)
            if (!isShown(stored.path)) m_gallery.addNewest(tileOf(std::move(stored)));
    });
}

bool ResultCollector::isShown(const std::filesystem::path& path) const {
    for (int row = 0; row < m_gallery.rowCount(); ++row)
        if (m_gallery.itemAt(row)->path == path) return true;
    return false;
}

} // namespace kinora::app
