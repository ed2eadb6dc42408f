#pragma once
// Takes in a file that belongs beside a model, from a drop or a dialog: a LoRA, a net, an adapter,
// an embedding, a VAE, an upscaler. It is used where it lies. UI thread only.

#include "core/library/companion_info.h"

#include <QObject>
#include <QString>
#include <QThreadPool>

#include <optional>

class QMimeData;

namespace kinora::app {

class ComposePanel;
class RequestDocument;

class CompanionImport : public QObject {
    Q_OBJECT
  public:
    CompanionImport(RequestDocument& document, ComposePanel& compose, QObject* parent = nullptr);
    ~CompanionImport() override;

    // The file of weights among what is dragged; empty: there is none.
    static QString fileIn(const QMimeData& data);
    // Reads its header off the UI thread; the panel says where it is no such file.
    void readFile(const QString& path);

  signals:
    void unknownFile(); // one that the library may not have seen yet
    void modelsFolderWanted();

  private:
    void take(const QString& path, const std::optional<core::CompanionInfo>& file);
    bool useElsewhere(const core::CompanionInfo& file);

    RequestDocument& m_document;
    ComposePanel& m_compose;
    QThreadPool m_pool; // one thread
};

} // namespace kinora::app
