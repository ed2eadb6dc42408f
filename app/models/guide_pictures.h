#pragma once
// Pictures that steer a run, for panels that show and take them: thumbnails off the UI thread, as
// the net sees them, and files for pictures that came without one. UI thread only.

#include "kernels/base/result.h"

#include <QImage>
#include <QObject>
#include <QThreadPool>

#include <filesystem>
#include <functional>
#include <string>

namespace kinora::app {

class GuidePictures : public QObject {
    Q_OBJECT
  public:
    // folder: for pictures without a file; made when there is one.
    explicit GuidePictures(std::filesystem::path folder, QObject* parent = nullptr);
    ~GuidePictures() override;

    // In some moments: the picture, at most kSide pixels large, after the preparation of that name.
    // Errors of loadImage().
    void show(const std::filesystem::path& file, const std::string& prepare,
              std::function<void(Result<QImage>)> done);
    // A PNG named by what is in it: the same picture is kept once. Errors: DiskFull, Io.
    void keep(const QImage& picture, std::function<void(Result<std::filesystem::path>)> done);

    static constexpr int kSide = 512;

  private:
    std::filesystem::path m_folder;
    QThreadPool m_pool; // one thread
};

} // namespace kinora::app
