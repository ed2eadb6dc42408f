#pragma once
// Reads how a picture was made, from a file, the clipboard or a drop, and puts it into the compose
// panel as one undo step. What has no place here is said.

#include "core/media/metadata.h"

#include <QObject>
#include <QString>

#include <filesystem>

class QMimeData;

namespace kinora::app {

class NoticeBar;
class PictureStore;
class RequestDocument;

class ParameterImport : public QObject {
    Q_OBJECT
  public:
    ParameterImport(RequestDocument& document, PictureStore& store, NoticeBar& notice,
                    QObject* parent = nullptr);

    static bool canRead(const QMimeData& data);
    void readMime(const QMimeData& data);
    void readFile(const QString& path, const QString& name);
    void readText(const QString& text);
    // The request of a picture that the window knows already.
    void use(const pipelines::ImageRequest& request, const QString& name);

  private:
    void take(const core::PictureInfo& info, const QString& name);

    RequestDocument& m_document;
    PictureStore& m_store;
    NoticeBar& m_notice;
};

} // namespace kinora::app
