#pragma once
// Pictures on the disk, off the UI thread: saves copies where a person says, loads pictures and
// what they say about themselves. UI thread only; answers come by callback.

#include "core/media/image_file.h"
#include "core/media/metadata.h"

#include <QImage>
#include <QObject>
#include <QString>
#include <QThreadPool>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace kinora::app {

struct StoredPicture { // one that is on the disk already
    std::filesystem::path path;
    QImage thumbnail;
    QSize size;
};

class PictureStore : public QObject {
    Q_OBJECT
  public:
    explicit PictureStore(std::filesystem::path folder, QObject* parent = nullptr);
    ~PictureStore() override; // ends what was begun: no finished picture is lost

    const std::filesystem::path& folder() const { return m_folder; }

    using Saved = std::function<void(Result<std::filesystem::path>)>;
    // Where the person says; the format is the extension's.
    void saveAs(std::shared_ptr<const core::Image> image,
                const std::optional<core::Provenance>& provenance,
                const std::filesystem::path& path, Saved done);
    void encode(std::shared_ptr<const core::Image> image,
                const std::optional<core::Provenance>& provenance,
                std::function<void(Result<std::vector<std::byte>>)> done);
    void load(const std::filesystem::path& path,
              std::function<void(Result<std::shared_ptr<const core::Image>>, QImage)> done);
    void readInfo(const std::filesystem::path& path,
                  std::function<void(Result<core::PictureInfo>)> done);
    // The newest PNG files of the output folder, newest first.
    void listNewest(int count, std::function<void(std::vector<StoredPicture>)> done);

  private:
    std::filesystem::path m_folder;
    QThreadPool m_savers;  // one thread: names are given in order
    QThreadPool m_loaders; // one thread: reading never waits for a slow disk's write
};

} // namespace kinora::app
