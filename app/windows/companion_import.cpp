#include "app/windows/companion_import.h"

#include "app/models/background.h"
#include "app/models/request_document.h"
#include "app/panels/compose_panel.h"
#include "app/widgets/notice_bar.h"
#include "core/library/companion_fit.h"

#include <QFileInfo>
#include <QMimeData>
#include <QUrl>

#include <filesystem>

namespace kinora::app {

CompanionImport::CompanionImport(RequestDocument& document, ComposePanel& compose, QObject* parent)
    : QObject(parent), m_document(document), m_compose(compose) {
    m_pool.setMaxThreadCount(1);
}

CompanionImport::~CompanionImport() {
    m_pool.waitForDone();
}

QString CompanionImport::fileIn(const QMimeData& data) {
    for (const QUrl& url : data.urls())
        if (url.isLocalFile() && core::hasWeightsEnding(url.toLocalFile().toStdString()) &&
            QFileInfo(url.toLocalFile()).isFile())
            return url.toLocalFile();
    return {};
}

void CompanionImport::readFile(const QString& path) {
    runInBackground(
        m_pool, this, [file = path.toStdString()] { return core::readCompanionInfo(file); },
        [this, path](const std::optional<core::CompanionInfo>& file) { take(path, file); });
}

void CompanionImport::take(const QString& path, const std::optional<core::CompanionInfo>& file) {
    if (!file) {
        m_compose.notice()->showNotice(
            NoticeTone::Warning,
            QFileInfo(path).fileName() +
                " is no LoRA, ControlNet, T2I-Adapter, IP-Adapter, embedding, VAE or upscaler. A "
                "whole model goes into the models folder.",
            "Open the models folder", [this] { emit modelsFolderWanted(); });
        return;
    }
    if (m_document.companion(core::companionKindOf(*file), file->path.string()) == nullptr)
        emit unknownFile();
    if (!m_compose.useFile(*file) && !useElsewhere(*file))
        m_compose.notice()->showNotice(
            NoticeTone::Info, QString("%1 is an upscaler: kinora upscale makes finished pictures "
                                      "larger with it.")
                                  .arg(toQString(file->name)));
}

bool CompanionImport::useElsewhere(const core::CompanionInfo& file) {
    pipelines::ImageRequest after = m_document.request();
    switch (core::companionKindOf(file)) {
    case core::CompanionKind::Vae: after.vae = file.path.string(); break;
    case core::CompanionKind::Embedding: after.embeddings.push_back(file.path.string()); break;
    default: return false;
    }
    m_document.edit(after, "use of a file");
    m_compose.notice()->showNotice(NoticeTone::Info,
                                   QString("%1 is used, a file of kind %2; it stands below More.")
                                       .arg(toQString(file.name), toQString(file.kind)));
    return true;
}

} // namespace kinora::app
