#include "app/panels/sections/guide_well.h"

#include "app/models/guide_pictures.h"
#include "app/models/request_document.h"

#include <QFileDialog>
#include <QFileInfo>
#include <QPointer>

namespace kinora::app {

GuideWell::GuideWell(const Theme& theme, GuidePictures& pictures, const QString& what,
                     QWidget* parent)
    : PictureWell(theme, parent), m_pictures(pictures), m_what(what) {
    connect(this, &PictureWell::fileGiven, this,
            [this](const QString& path) { emit picked(path.toStdString()); });
    connect(this, &PictureWell::pictureGiven, this, &GuideWell::keep);
    connect(this, &PictureWell::chooseWanted, this, &GuideWell::choose);
    setAccessibleName(what);
    setToolTip(what + "\nDrop or paste one, or click to choose.");
}

void GuideWell::showFile(const std::string& file, const std::string& prepare) {
    if (file == m_file && prepare == m_prepare) return;
    m_file = file;
    m_prepare = prepare;
    m_problem.clear();
    const QString name = QFileInfo(toQString(file)).fileName();
    setAccessibleDescription(file.empty() ? QString("Empty") : name);
    setToolTip(m_what + (file.empty() ? QString() : "\n" + toQString(file)) +
               "\nDrop or paste one, or click to choose.");
    if (file.empty()) {
        setPicture({});
        return;
    }
    m_pictures.show(file, prepare,
                    [well = QPointer(this), file, prepare](const Result<QImage>& picture) {
                        if (!well || well->m_file != file || well->m_prepare != prepare) return;
                        if (picture) {
                            well->setPicture(*picture);
                        } else {
                            well->setBroken(true);
                            well->m_problem = sentenceOf(picture.error());
                        }
                        emit well->changed();
                    });
}

void GuideWell::choose() {
    const QString folder = QFileInfo(toQString(m_file)).absolutePath();
    const QString path =
        QFileDialog::getOpenFileName(window(), m_what, m_file.empty() ? QString() : folder,
                                     "Pictures (*.png *.jpg *.jpeg *.webp *.tiff *.tif *.exr "
                                     "*.avif *.gif *.bmp);;All files (*)");
    if (!path.isEmpty()) emit picked(path.toStdString());
}

void GuideWell::keep(const QImage& picture) {
    m_pictures.keep(picture, [well = QPointer(this)](const Result<std::filesystem::path>& file) {
        if (!well) return;
        if (file) {
            emit well->picked(file->string());
        } else {
            well->m_problem = sentenceOf(file.error());
            emit well->changed();
        }
    });
}

} // namespace kinora::app
