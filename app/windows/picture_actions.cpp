#include "app/windows/picture_actions.h"

#include "app/models/picture_conversion.h"
#include "app/models/picture_store.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"
#include "app/windows/parameter_import.h"
#include "app/windows/window_settings.h"

#include <QAction>
#include <QClipboard>
#include <QDesktopServices>
#include <QDrag>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QMimeData>
#include <QPixmap>
#include <QUndoCommand>
#include <QUndoStack>
#include <QUrl>

namespace kinora::app {
namespace {

QString sentence(const Error& error) {
    return QString::fromStdString(error.message() + " " + error.advice()).trimmed();
}

QString fileName(const GalleryItem& item) {
    if (!item.path.empty()) return QString::fromStdString(item.path.filename().string());
    return "the picture";
}

class RemovePictureCommand : public QUndoCommand {
  public:
    RemovePictureCommand(GalleryModel& gallery, int id)
        : QUndoCommand("removal of a picture"), m_gallery(gallery), m_id(id) {}
    void redo() override { m_taken = m_gallery.take(m_id); }
    void undo() override {
        if (m_taken) m_gallery.putBack(m_taken->first, std::move(m_taken->second));
        m_taken.reset();
    }

  private:
    GalleryModel& m_gallery;
    int m_id;
    std::optional<std::pair<int, GalleryItem>> m_taken;
};

} // namespace

PictureActions::PictureActions(const Parts& parts, QWidget* window)
    : QObject(window), m_parts(parts), m_window(window) {
    saveAs = make("Save picture &as\u2026", "save", "Ctrl+Shift+S", "Save the picture under a name",
                  &PictureActions::saveCurrentAs);
    copy =
        make("&Copy picture", "copy", "Ctrl+C", "Copy the picture", &PictureActions::copyCurrent);
    useParameters = make("Use these &parameters", "reuse", "Ctrl+U",
                         "Put what made this picture into the compose panel",
                         &PictureActions::useCurrentParameters);
    useSeed = make("Use this see&d", "dice", "Ctrl+D", "Keep this picture's seed for the next ones",
                   &PictureActions::useCurrentSeed);
    followPicture = make("Use as Control&Net picture", "picture", "Ctrl+Shift+N",
                         "Let the ControlNet follow this picture", &PictureActions::followCurrent);
    lookAtPicture = make("Use as p&icture prompt", "picture", "Ctrl+Shift+I",
                         "Let the IP-Adapter look at this picture", &PictureActions::lookAtCurrent);
    showInFolder = make("Show in &folder", "folder", "Ctrl+Shift+O", "Open the picture's folder",
                        &PictureActions::showCurrentInFolder);
    remove = make("&Remove from the strip", "remove", "Del",
                  "Take the picture off the strip; its file stays", &PictureActions::removeCurrent);
    connect(&parts.gallery, &QAbstractItemModel::dataChanged, this, &PictureActions::refresh);
    connect(&parts.gallery, &QAbstractItemModel::rowsRemoved, this, &PictureActions::refresh);
    refresh();
}

QAction* PictureActions::make(const QString& text, const QString& icon, const QString& keys,
                              const QString& tip, void (PictureActions::*slot)()) {
    auto* action = new QAction(m_parts.theme.icon(icon), text, this);
    action->setShortcut(QKeySequence(keys));
    action->setToolTip(tip + " (" + QKeySequence(keys).toString(QKeySequence::NativeText) + ")");
    action->setStatusTip({});
    connect(action, &QAction::triggered, this, slot);
    return action;
}

void PictureActions::setCurrent(int id) {
    m_current = id;
    refresh();
}

void PictureActions::refresh() {
    const GalleryItem* item = m_parts.gallery.item(m_current);
    const bool done = item != nullptr && item->done;
    for (QAction* action : {saveAs, copy, remove, useParameters, useSeed}) action->setEnabled(done);
    for (QAction* action : {showInFolder, followPicture, lookAtPicture})
        action->setEnabled(done && !item->path.empty());
}

void PictureActions::withWhole(int id, std::function<void(int)> done) {
    const GalleryItem* item = m_parts.gallery.item(id);
    if (item == nullptr || !item->done) return;
    if (item->source && item->provenance) {
        done(id);
        return;
    }
    const std::filesystem::path path = item->path;
    m_parts.store.load(path, [this, id](auto source, const QImage& image) {
        if (!source) {
            m_parts.notice.showNotice(NoticeTone::Error, sentence(source.error()));
            return;
        }
        m_parts.gallery.change(id, [&](GalleryItem& changed) {
            changed.image = image;
            changed.source = *source;
            changed.size = image.size();
        });
    });
    m_parts.store.readInfo(path, [this, id, done](Result<core::PictureInfo> info) {
        if (info && info->provenance)
            m_parts.gallery.change(id, [&](GalleryItem& changed) {
                changed.provenance = info->provenance;
                changed.title = QString::fromStdString(info->provenance->request.prompt);
            });
        const GalleryItem* now = m_parts.gallery.item(id);
        if (now != nullptr && now->source) done(id); // reading is in order: loaded before this
    });
}

void PictureActions::saveCurrentAs() {
    withWhole(m_current, [this](int id) {
        const GalleryItem item = *m_parts.gallery.item(id);
        QString folder = m_parts.settings.saveFolder();
        if (folder.isEmpty()) folder = QString::fromStdString(m_parts.store.folder().string());
        const QString name = item.path.empty() ? QString("picture.png") : fileName(item);
        QFileDialog dialog(m_window, "Save picture as", folder,
                           "Pictures (*.png *.jpg *.jpeg *.webp *.tiff *.tif *.exr *.avif)");
        dialog.setAcceptMode(QFileDialog::AcceptSave);
        dialog.setDefaultSuffix("png"); // before it asks whether to replace a file
        dialog.selectFile(name);
        if (dialog.exec() != QDialog::Accepted || dialog.selectedFiles().isEmpty()) return;
        const QString path = dialog.selectedFiles().front();
        m_parts.settings.setSaveFolder(QFileInfo(path).absolutePath());
        m_parts.store.saveAs(
            item.source, item.provenance, path.toStdString(),
            [this](Result<std::filesystem::path> saved) {
                if (saved)
                    emit message("Saved as " + QString::fromStdString(saved->string()));
                else
                    m_parts.notice.showNotice(NoticeTone::Error, sentence(saved.error()), "Save as",
                                              [this] { saveCurrentAs(); });
            });
    });
}

void PictureActions::copyCurrent() {
    withWhole(m_current, [this](int id) {
        const GalleryItem item = *m_parts.gallery.item(id);
        m_parts.store.encode(
            item.source, item.provenance, [this, item](Result<std::vector<std::byte>> bytes) {
                auto data = std::make_unique<QMimeData>();
                data->setImageData(item.image);
                if (bytes)
                    data->setData("image/png",
                                  QByteArray(reinterpret_cast<const char*>(bytes->data()),
                                             static_cast<qsizetype>(bytes->size())));
                QGuiApplication::clipboard()->setMimeData(data.release());
                emit message("Copied");
            });
    });
}

void PictureActions::useCurrentParameters() {
    withWhole(m_current, [this](int id) {
        const GalleryItem* item = m_parts.gallery.item(id);
        if (item->provenance) {
            m_parts.import.use(item->provenance->request, fileName(*item));
        } else {
            m_parts.import.readFile(QString::fromStdString(item->path.string()), fileName(*item));
        }
    });
}

void PictureActions::useCurrentSeed() {
    withWhole(m_current, [this](int id) {
        const GalleryItem* item = m_parts.gallery.item(id);
        if (item->provenance && item->provenance->request.seed)
            emit seedWanted(*item->provenance->request.seed);
        else
            m_parts.notice.showNotice(NoticeTone::Warning,
                                      QString("%1 does not say its seed.").arg(fileName(*item)));
    });
}

void PictureActions::followCurrent() {
    if (const GalleryItem* item = m_parts.gallery.item(m_current))
        emit guideWanted("control", QString::fromStdString(item->path.string()));
}

void PictureActions::lookAtCurrent() {
    if (const GalleryItem* item = m_parts.gallery.item(m_current))
        emit guideWanted("ipAdapter", QString::fromStdString(item->path.string()));
}

void PictureActions::showCurrentInFolder() {
    const GalleryItem* item = m_parts.gallery.item(m_current);
    if (item == nullptr || item->path.empty()) return;
    const QString folder = QString::fromStdString(item->path.parent_path().string());
    if (!QDesktopServices::openUrl(QUrl::fromLocalFile(folder))) emit message(folder);
}

void PictureActions::removeCurrent() {
    const GalleryItem* item = m_parts.gallery.item(m_current);
    if (item == nullptr || !item->done) return;
    m_parts.undoStack.push(new RemovePictureCommand(m_parts.gallery, m_current));
    emit message("Removed from the strip. Ctrl+Z brings it back.");
}

void PictureActions::dragOut() {
    const GalleryItem* item = m_parts.gallery.item(m_current);
    if (item == nullptr || !item->done) return;
    auto data = std::make_unique<QMimeData>();
    if (!item->path.empty())
        data->setUrls({QUrl::fromLocalFile(QString::fromStdString(item->path.string()))});
    if (!item->image.isNull()) data->setImageData(item->image);
    auto* drag = new QDrag(m_window);
    drag->setMimeData(data.release());
    drag->setPixmap(QPixmap::fromImage(thumbnailOf(item->thumbnail, 96)));
    drag->exec(Qt::CopyAction);
}

} // namespace kinora::app
