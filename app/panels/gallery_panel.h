#pragma once
// The strip of pictures: tiles of the gallery model, those being made with their progress.

#include <QWidget>

class QLabel;
class QListView;

namespace kinora::app {

class GalleryModel;
class Theme;

class GalleryPanel : public QWidget {
    Q_OBJECT
  public:
    GalleryPanel(const Theme& theme, GalleryModel& model, QWidget* parent = nullptr);

    QListView* view() const { return m_view; }
    int currentId() const; // 0: none
    void setCurrentId(int id);
    void step(int offset);

  signals:
    void currentChanged(int id);
    // By the person: a click or the arrow keys.
    void picked(int id);
    void dragOutWanted();

  private:
    GalleryModel& m_model;
    QListView* m_view;
    QLabel* m_empty;
    bool m_byCode = false;
};

} // namespace kinora::app
