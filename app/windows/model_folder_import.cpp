#include "app/windows/model_folder_import.h"

#include "app/models/request_document.h"
#include "app/panels/compose_panel.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/phrases.h"
#include "core/library/model_folders.h"
#include "core/library/model_library.h"

#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QMimeData>
#include <QUrl>

#include <algorithm>
#include <utility>

namespace kinora::app {
namespace {

QString shortName(const QString& folder) {
    const QString home = QDir::homePath() + "/";
    return folder.startsWith(home) ? "~/" + folder.mid(home.size()) : folder;
}

} // namespace

ModelFolderImport::ModelFolderImport(const core::ModelLibrary& library, RequestDocument& document,
                                     ComposePanel& compose, QObject* parent)
    : QObject(parent), m_library(library), m_document(document), m_compose(compose) {
    connect(&document, &RequestDocument::modelsChanged, this, [this] {
        m_modelsAreRead = true;
        tellWhatWasFound();
    });
    connect(&document, &RequestDocument::companionsChanged, this, [this] {
        m_filesAreRead = true;
        tellWhatWasFound();
    });
}

QString ModelFolderImport::folderIn(const QMimeData& data) {
    for (const QUrl& url : data.urls())
        if (url.isLocalFile() && QFileInfo(url.toLocalFile()).isDir()) return url.toLocalFile();
    return {};
}

QMenu* ModelFolderImport::makeMenu(QWidget* parent) {
    auto* menu = new QMenu("Folders of &models", parent);
    menu->setToolTipsVisible(true);
    connect(menu, &QMenu::aboutToShow, this, [this, menu] { fill(*menu); });
    fill(*menu);
    return menu;
}

void ModelFolderImport::fill(QMenu& menu) {
    menu.clear();
    connect(menu.addAction("&Add a folder of models\u2026"), &QAction::triggered, this,
            [this, &menu] { ask(menu.parentWidget()); });
    const auto folders = core::addedModelFolders(m_library.dataFolder());
    if (!folders.empty()) menu.addSeparator();
    for (const auto& path : folders) {
        const QString folder = QString::fromStdString(path.string());
        QString text = "Stop reading " + shortName(folder);
        QAction* action = menu.addAction(text.replace('&', "&&"));
        action->setToolTip("Its files stay; they are no longer listed here");
        connect(action, &QAction::triggered, this, [this, folder] { forget(folder); });
    }
}

void ModelFolderImport::ask(QWidget* window) {
    const QString folder = QFileDialog::getExistingDirectory(
        window, "Add a folder of models (A1111's, ComfyUI's and InvokeAI's are read in place)",
        QDir::homePath());
    if (!folder.isEmpty()) add(folder);
}

void ModelFolderImport::add(const QString& folder) {
    if (auto added = core::addModelFolder(m_library.dataFolder(), folder.toStdString()); !added) {
        m_compose.notice()->showNotice(NoticeTone::Error, sentenceOf(added.error()));
        return;
    }
    m_added = folder;
    m_modelsAreRead = m_filesAreRead = false;
    m_compose.notice()->showNotice(NoticeTone::Info,
                                   "Reading what is in " + shortName(folder) + ".");
    emit changed();
}

void ModelFolderImport::forget(const QString& folder) {
    const auto removed = core::removeModelFolder(m_library.dataFolder(), folder.toStdString());
    if (!removed)
        m_compose.notice()->showNotice(NoticeTone::Error, sentenceOf(removed.error()));
    else
        m_compose.notice()->dismiss();
    m_added.clear();
    emit changed();
}

void ModelFolderImport::tellWhatWasFound() {
    if (m_added.isEmpty() || !m_modelsAreRead || !m_filesAreRead) return;
    const QString folder = std::exchange(m_added, {});
    const auto isThere = [path = folder.toStdString()](const auto& entry) {
        return core::isBelow(entry.path, path);
    };
    const auto models = static_cast<int>(std::ranges::count_if(m_document.models(), isThere));
    const auto files = static_cast<int>(std::ranges::count_if(m_document.companions(), isThere));
    QStringList parts;
    if (models > 0) parts << countPhrase(models, "model", "models");
    if (files > 0)
        parts << countPhrase(files, "LoRA or other file beside models",
                             "LoRAs and other files beside models");
    const QString found =
        parts.isEmpty()
            ? QString("Nothing that Kinora reads was found in %1. It is looked into at each start.")
                  .arg(shortName(folder))
            : QString("Found in %1, which is read in place from now on: %2.")
                  .arg(shortName(folder), parts.join(", "));
    m_compose.notice()->showNotice(parts.isEmpty() ? NoticeTone::Warning : NoticeTone::Info, found,
                                   "Stop reading it", [this, folder] { forget(folder); });
}

} // namespace kinora::app
