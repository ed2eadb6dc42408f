#pragma once
// The strip of pictures, newest first: those being made, with their progress, and the results they
// turn into in place. UI thread only.

#include "core/media/image.h"
#include "core/media/provenance.h"

#include <QAbstractListModel>
#include <QImage>
#include <QSize>
#include <QString>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace kinora::app {

struct GalleryItem {
    int id = 0;
    int64_t job = 0; // 0: from the disk
    int64_t picture = 0;
    bool done = false;
    double progress = 0; // of this picture, while it is being made
    QString title;       // the prompt
    QSize size;          // of the finished picture
    QImage thumbnail;
    QImage preview;                            // while it is being made
    QImage image;                              // whole; null where it has to be loaded from `path`
    std::shared_ptr<const core::Image> source; // with `image`
    std::optional<core::Provenance> provenance;
    std::filesystem::path path; // its file; empty: it is being made
};

class GalleryModel : public QAbstractListModel {
    Q_OBJECT
  public:
    enum Role { IdRole = Qt::UserRole + 1, DoneRole, ProgressRole, ThumbnailRole };

    explicit GalleryModel(QObject* parent = nullptr);

    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;

    // nullptr: not there (any more).
    const GalleryItem* item(int id) const;
    const GalleryItem* itemAt(int row) const;
    int rowOf(int id) const;                      // -1
    int idOf(int64_t job, int64_t picture) const; // 0

    int addNewest(GalleryItem item); // gives it an id
    int addOldest(GalleryItem item);
    template <typename Change> void change(int id, Change change) {
        if (GalleryItem* found = findItem(id)) {
            change(*found);
            itemChanged(id);
        }
    }
    // For undo: takes it out, puts it back where it was.
    std::optional<std::pair<int, GalleryItem>> take(int id);
    void putBack(int row, GalleryItem item);

  private:
    GalleryItem* findItem(int id);
    void itemChanged(int id);
    void forgetOldImages();

    std::vector<GalleryItem> m_items;
    int m_lastId = 0;
};

} // namespace kinora::app
