#pragma once
// A place for a picture: it is dropped there, pasted, or chosen with a click, Enter or Space. Shows
// what it was given; whoever owns it says what that is.
//
//     connect(well, &PictureWell::fileGiven, ...);   // a path
//     connect(well, &PictureWell::pictureGiven, ...); // pixels that have no file
//     connect(well, &PictureWell::chooseWanted, ...); // ask for a file

#include <QAbstractButton>
#include <QImage>

class QMimeData;

namespace kinora::app {

class Theme;

class PictureWell : public QAbstractButton {
    Q_OBJECT
  public:
    explicit PictureWell(const Theme& theme, QWidget* parent = nullptr);

    // A null image: empty.
    void setPicture(const QImage& picture);
    bool isEmpty() const { return m_picture.isNull(); }
    // There should be one and it cannot be shown.
    void setBroken(bool broken);
    bool isBroken() const { return m_broken; }
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

  signals:
    void fileGiven(const QString& path);
    void pictureGiven(const QImage& picture);
    void chooseWanted();

  protected:
    bool event(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragLeaveEvent(QDragLeaveEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

  private:
    bool take(const QMimeData& data);

    const Theme& m_theme;
    QImage m_picture;
    bool m_broken = false;
    bool m_underDrag = false;
};

} // namespace kinora::app
