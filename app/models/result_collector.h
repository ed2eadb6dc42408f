#pragma once
// Turns what jobs say into tiles of the gallery: a tile when a picture is begun, its progress and
// preview, and the result in place, which is on the disk by then. UI thread only.

#include "app/models/gallery_model.h"
#include "app/models/job_controller.h"
#include "app/models/picture_store.h"

#include <QObject>

namespace kinora::app {

class ResultCollector : public QObject {
    Q_OBJECT
  public:
    ResultCollector(JobController& jobs, GalleryModel& gallery, PictureStore& store,
                    QObject* parent = nullptr);

    // Puts the newest pictures of earlier days at the end of the strip.
    void loadEarlier(int count);
    // The newest pictures that are not in the strip: another process has made them.
    void loadNew();

  signals:
    void earlierLoaded(); // after loadEarlier; there may have been none
    void tileBegun(int id);
    void pictureDone(int id);
    void saved(int id, const QString& path);

  private:
    void begin(qint64 job, qint64 picture);
    void showProgress(qint64 job);
    void showPreview(qint64 job, qint64 picture, const QImage& image);
    void finish(qint64 job, qint64 picture, const ResultPicture& result);
    void dropUnfinished(qint64 job);
    bool isShown(const std::filesystem::path& path) const;

    JobController& m_jobs;
    GalleryModel& m_gallery;
    PictureStore& m_store;
};

} // namespace kinora::app
