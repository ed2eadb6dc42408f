#pragma once
// What can be done with the picture that is looked at: the same actions in menu, context menu and
// on the viewer's bar.

#include "app/models/gallery_model.h"

#include <QObject>

#include <functional>

class QAction;
class QUndoStack;
class QWidget;

namespace kinora::app {

class NoticeBar;
class ParameterImport;
class PictureStore;
class Theme;
class WindowSettings;

class PictureActions : public QObject {
    Q_OBJECT
  public:
    struct Parts {
        const Theme& theme;
        GalleryModel& gallery;
        PictureStore& store;
        ParameterImport& import;
        QUndoStack& undoStack;
        NoticeBar& notice;
        WindowSettings& settings;
    };
    PictureActions(const Parts& parts, QWidget* window);

    // The picture that the actions are about; 0: none.
    void setCurrent(int id);
    // Makes sure that the whole picture is in memory, then calls with its id.
    void withWhole(int id, std::function<void(int)> done);
    void dragOut();

    QAction* saveAs = nullptr;
    QAction* copy = nullptr;
    QAction* useParameters = nullptr;
    QAction* useSeed = nullptr;
    QAction* followPicture = nullptr;
    QAction* lookAtPicture = nullptr;
    QAction* showInFolder = nullptr;
    QAction* remove = nullptr;
    QList<QAction*> all() const {
        return {saveAs,        copy,          useParameters, useSeed,
                followPicture, lookAtPicture, showInFolder,  remove};
    }

  signals:
    void message(const QString& text); // for the status bar
    void seedWanted(qint64 seed);
    void guideWanted(const QString& parameter, const QString& path); // "control", "ipAdapter"

  private:
    QAction* make(const QString& text, const QString& icon, const QString& keys, const QString& tip,
                  void (PictureActions::*slot)());
    void refresh();
    void saveCurrentAs();
    void copyCurrent();
    void useCurrentParameters();
    void useCurrentSeed();
    void followCurrent();
    void lookAtCurrent();
    void showCurrentInFolder();
    void removeCurrent();

    Parts m_parts;
    QWidget* m_window;
    int m_current = 0;
};

} // namespace kinora::app
