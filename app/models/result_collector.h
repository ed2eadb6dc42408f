#pragma once
// Turns what jobs say into tiles of the gallery and files on the disk: a tile when a picture is
// begun, its progress and preview, the result in place, and its autosaved file. UI thread only.

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

  signals:
    void earlierLoaded(); // after loadEarlier; there may have been none
    void tileBegun(int id);
    void pictureDone(int id);
    void saved(int id, const QString& path);
    void saveFailed(int id, const QString& problem);

  private:
    void begin(int job, qint64 picture);
    void showProgress(int job);
    void showPreview(int job, qint64 picture, const QImage& image);
    void finish(int job, qint64 picture, const ResultPicture& result);
    void dropUnfinished(int job);

    JobController& m_jobs;
    GalleryModel& m_gallery;
    PictureStore& m_store;
};

} // namespace kinora::app
