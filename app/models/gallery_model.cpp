#include "app/models/gallery_model.h"

#include <QPixmap>

#include <algorithm>

namespace kinora::app {

// Whole pictures kept in memory; older ones are read from their file when they are looked at.
constexpr int kWholeImagesKept = 24;

GalleryModel::GalleryModel(QObject* parent) : QAbstractListModel(parent) {}

int GalleryModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_items.size());
}

QVariant GalleryModel::data(const QModelIndex& index, int role) const {
    const GalleryItem* item = itemAt(index.row());
    if (!index.isValid() || item == nullptr) return {};
    switch (role) {
    case Qt::AccessibleTextRole:
        return item->done
                   ? item->title
                   : QString("%1, %2 % done").arg(item->title).arg(int(item->progress * 100));
    case Qt::ToolTipRole: {
        QString tip = item->title.left(400);
        if (item->provenance && item->provenance->request.seed)
            tip += QString("\nSeed %1").arg(*item->provenance->request.seed);
        if (!item->size.isEmpty())
            tip += QString("\n%1 \u00d7 %2 px").arg(item->size.width()).arg(item->size.height());
        if (!item->path.empty())
            tip += "\n" + QString::fromStdString(item->path.filename().string());
        return tip;
    }
    case IdRole: return item->id;
    case DoneRole: return item->done;
    case ProgressRole: return item->progress;
    case ThumbnailRole: return item->done ? item->thumbnail : item->preview;
    default: return {};
    }
}

Qt::ItemFlags GalleryModel::flags(const QModelIndex& index) const {
    if (!index.isValid()) return Qt::NoItemFlags;
    return Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsDragEnabled;
}

const GalleryItem* GalleryModel::itemAt(int row) const {
    return row >= 0 && row < static_cast<int>(m_items.size()) ? &m_items[row] : nullptr;
}

int GalleryModel::rowOf(int id) const {
    const auto it = std::ranges::find(m_items, id, &GalleryItem::id);
    return it == m_items.end() ? -1 : static_cast<int>(it - m_items.begin());
}

const GalleryItem* GalleryModel::item(int id) const {
    return itemAt(rowOf(id));
}

GalleryItem* GalleryModel::findItem(int id) {
    const int row = rowOf(id);
    return row < 0 ? nullptr : &m_items[row];
}

int GalleryModel::idOf(int64_t job, int64_t picture) const {
    const auto it = std::ranges::find_if(m_items, [&](const GalleryItem& item) {
        return item.job == job && item.picture == picture;
    });
    return it == m_items.end() ? 0 : it->id;
}

int GalleryModel::addNewest(GalleryItem item) {
    item.id = ++m_lastId;
    beginInsertRows({}, 0, 0);
    m_items.insert(m_items.begin(), std::move(item));
    endInsertRows();
    forgetOldImages();
    return m_lastId;
}

int GalleryModel::addOldest(GalleryItem item) {
    item.id = ++m_lastId;
    const int row = rowCount();
    beginInsertRows({}, row, row);
    m_items.push_back(std::move(item));
    endInsertRows();
    return m_lastId;
}

std::optional<std::pair<int, GalleryItem>> GalleryModel::take(int id) {
    const int row = rowOf(id);
    if (row < 0) return std::nullopt;
    beginRemoveRows({}, row, row);
    GalleryItem item = std::move(m_items[row]);
    m_items.erase(m_items.begin() + row);
    endRemoveRows();
    return std::pair(row, std::move(item));
}

void GalleryModel::putBack(int row, GalleryItem item) {
    row = std::clamp(row, 0, rowCount());
    beginInsertRows({}, row, row);
    m_items.insert(m_items.begin() + row, std::move(item));
    endInsertRows();
}

void GalleryModel::itemChanged(int id) {
    const QModelIndex changed = index(rowOf(id));
    emit dataChanged(changed, changed);
}

void GalleryModel::forgetOldImages() {
    int kept = 0;
    for (GalleryItem& item : m_items) {
        if (item.image.isNull() || ++kept <= kWholeImagesKept || item.path.empty()) continue;
        item.image = {};
        item.source.reset();
    }
}

} // namespace kinora::app
