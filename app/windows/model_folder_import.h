#pragma once
// Takes in folders of models that lie elsewhere, from a dialog or a drop: they are read in place
// and remembered. The panel says what was found in one; the menu forgets one again. UI thread only.

#include <QObject>
#include <QString>

class QMenu;
class QMimeData;
class QWidget;

namespace kinora::core {
class ModelLibrary;
}

namespace kinora::app {

class ComposePanel;
class RequestDocument;

class ModelFolderImport : public QObject {
    Q_OBJECT
  public:
    ModelFolderImport(const core::ModelLibrary& library, RequestDocument& document,
                      ComposePanel& compose, QObject* parent = nullptr);

    // The folder among what is dragged; empty: there is none.
    static QString folderIn(const QMimeData& data);
    // "Folders of models": adds one, and forgets each.
    QMenu* makeMenu(QWidget* parent);
    void ask(QWidget* window);
    void add(const QString& folder);
    void forget(const QString& folder);

  signals:
    void changed(); // the models and the files beside them are to be read again

  private:
    void fill(QMenu& menu);
    void tellWhatWasFound();

    const core::ModelLibrary& m_library;
    RequestDocument& m_document;
    ComposePanel& m_compose;
    QString m_added; // whose content is not told yet
    bool m_modelsAreRead = false, m_filesAreRead = false;
};

} // namespace kinora::app
