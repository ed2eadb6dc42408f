#pragma once
// What the compose panel edits: the request, with an undo step for each edit, and the models whose
// defaults fill what the request leaves open. UI thread only.
//
//     document.setText(*pipelines::findImageParameter("steps"), "30");
//     document.effectiveText(steps) -> "30";  document.reset(steps);

#include "core/library/model_library.h"
#include "kernels/base/error.h"
#include "pipelines/request/parameters.h"

#include <QHash>
#include <QObject>
#include <QString>

#include <vector>

class QUndoStack;

namespace kinora::app {

class RequestDocument : public QObject {
    Q_OBJECT
  public:
    explicit RequestDocument(QUndoStack& undoStack, QObject* parent = nullptr);

    const pipelines::ImageRequest& request() const { return m_request; }
    const std::vector<core::ModelEntry>& models() const { return m_models; }
    // Of the request's model; nullptr while the models are not read or it is not among them.
    const core::ModelEntry* model() const;
    void setModels(std::vector<core::ModelEntry> models);
    // Files beside the models: LoRAs, nets, adapters, upscalers. nullptr: none of that kind and
    // name, or path.
    const std::vector<core::CompanionInfo>& companions() const { return m_companions; }
    const core::CompanionInfo* companion(core::CompanionKind kind, const std::string& name) const;
    // How a request asks for it here: by name, or by its path where several have that name.
    std::string nameOf(const core::CompanionInfo& file) const;
    bool companionsAreRead() const { return m_companionsAreRead; }
    void setCompanions(std::vector<core::CompanionInfo> companions);

    // The request's own value, else the model's, else the table's; empty where nobody says.
    QString effectiveText(const pipelines::Parameter& parameter) const;
    QString defaultText(const pipelines::Parameter& parameter) const;
    bool isChanged(const pipelines::Parameter& parameter) const;

    // Empty on success, else the sentence to show at the field; the request stays as it was.
    QString setText(const pipelines::Parameter& parameter, const QString& text);
    void reset(const pipelines::Parameter& parameter);
    // One undo step with this name: "Use parameters of ...".
    void replace(const pipelines::ImageRequest& request, const QString& undoText);
    // The same for what a person edits in several parameters: checked as setText() does, and one
    // step with the edits of the same key around it. An empty key: a step of its own.
    QString edit(const pipelines::ImageRequest& request, const QString& undoText,
                 const QString& key = {});
    // The next edit of the same parameter is an undo step of its own.
    void endEdit() { ++m_editRun; }

    // Not an edit: what the window starts with.
    void setInitial(const pipelines::ImageRequest& request);

  signals:
    void changed();
    void modelsChanged();
    void companionsChanged();

  private:
    friend class EditRequestCommand;
    void apply(const pipelines::ImageRequest& request);
    void push(const pipelines::ImageRequest& after, const QString& name, const QString& key);

    QUndoStack& m_undoStack;
    pipelines::ImageRequest m_request;
    std::vector<core::ModelEntry> m_models;
    std::vector<core::CompanionInfo> m_companions;
    // By kind with name, file's name and path, without case; how many have a name.
    QHash<QString, qsizetype> m_companionsByName;
    QHash<QString, int> m_companionNames;
    bool m_companionsAreRead = false;
    int m_editRun = 0;
};

QString toQString(std::string_view text);
// Message and advice.
QString sentenceOf(const Error& error);

} // namespace kinora::app
