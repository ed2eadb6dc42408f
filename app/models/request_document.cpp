#include "app/models/request_document.h"

#include "core/library/companion_fit.h"

#include <QElapsedTimer>
#include <QUndoCommand>
#include <QUndoStack>
#include <nlohmann/json.hpp>

namespace kinora::app {

using pipelines::ImageRequest;
using pipelines::Parameter;

// Typing with pauses shorter than this is one undo step.
constexpr qint64 kTypingPauseMilliseconds = 1200;
constexpr int kEditCommandId = 1;

QString toQString(std::string_view text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

namespace {

QString companionKey(core::CompanionKind kind, const std::string& name) {
    return QString::number(static_cast<int>(kind)) + "/" + toQString(name).toLower();
}

} // namespace

QString sentenceOf(const Error& error) {
    const QString advice = toQString(error.advice());
    return toQString(error.message()) + (advice.isEmpty() ? QString() : " " + advice);
}

class EditRequestCommand : public QUndoCommand {
  public:
    EditRequestCommand(RequestDocument& document, ImageRequest after, const QString& name,
                       QString key)
        : QUndoCommand(name), m_document(document), m_before(document.request()),
          m_after(std::move(after)), m_key(std::move(key)), m_run(document.m_editRun) {
        m_sinceEdit.start();
    }
    void undo() override { m_document.apply(m_before); }
    void redo() override { m_document.apply(m_after); }
    int id() const override { return kEditCommandId; }
    bool mergeWith(const QUndoCommand* command) override {
        const auto* next = static_cast<const EditRequestCommand*>(command);
        if (m_key.isEmpty() || next->m_key != m_key || next->m_run != m_run ||
            m_sinceEdit.elapsed() > kTypingPauseMilliseconds)
            return false;
        m_after = next->m_after;
        m_sinceEdit.restart();
        return true;
    }

  private:
    RequestDocument& m_document;
    ImageRequest m_before;
    ImageRequest m_after;
    QString m_key;
    int m_run;
    QElapsedTimer m_sinceEdit;
};

RequestDocument::RequestDocument(QUndoStack& undoStack, QObject* parent)
    : QObject(parent), m_undoStack(undoStack) {}

const core::ModelEntry* RequestDocument::model() const {
    if (m_models.empty()) return nullptr;
    if (m_request.model.empty()) { // the starter model, else the first that works
        for (const auto& entry : m_models)
            if (entry.builtIn && entry.problem.empty()) return &entry;
        for (const auto& entry : m_models)
            if (entry.problem.empty()) return &entry;
        return &m_models.front();
    }
    for (const auto& entry : m_models)
        if (toQString(entry.name).compare(toQString(m_request.model), Qt::CaseInsensitive) == 0 ||
            entry.path == m_request.model)
            return &entry;
    return nullptr;
}

void RequestDocument::setModels(std::vector<core::ModelEntry> models) {
    m_models = std::move(models);
    emit modelsChanged();
    emit changed();
}

void RequestDocument::setCompanions(std::vector<core::CompanionInfo> companions) {
    m_companions = std::move(companions);
    m_companionsAreRead = true;
    m_companionsByName.clear();
    m_companionNames.clear();
    const auto addKey = [this](const QString& key, qsizetype i) {
        if (!m_companionsByName.contains(key)) m_companionsByName[key] = i;
    };
    for (size_t i = 0; i < m_companions.size(); ++i) {
        const core::CompanionInfo& file = m_companions[i];
        const core::CompanionKind kind = core::companionKindOf(file);
        for (const std::string& name :
             {file.name, file.path.filename().string(), file.path.string()})
            addKey(companionKey(kind, name), static_cast<qsizetype>(i));
        ++m_companionNames[companionKey(kind, file.name)];
    }
    emit companionsChanged();
}

const core::CompanionInfo* RequestDocument::companion(core::CompanionKind kind,
                                                      const std::string& name) const {
    const qsizetype found = m_companionsByName.value(companionKey(kind, name), -1);
    return found < 0 ? nullptr : &m_companions[static_cast<size_t>(found)];
}

std::string RequestDocument::nameOf(const core::CompanionInfo& file) const {
    const QString key = companionKey(core::companionKindOf(file), file.name);
    return m_companionNames.value(key) > 1 ? file.path.string() : file.name;
}

QString RequestDocument::defaultText(const Parameter& parameter) const {
    if (const core::ModelEntry* entry = model())
        if (const auto text = pipelines::toText(entry->defaults, parameter))
            return toQString(*text);
    if (const auto text = pipelines::toText(ImageRequest{}, parameter)) return toQString(*text);
    if (const auto* number = std::get_if<int64_t>(&parameter.fallback))
        return QString::number(*number);
    if (const auto* number = std::get_if<double>(&parameter.fallback))
        return QString::number(*number);
    if (const auto* text = std::get_if<std::string>(&parameter.fallback)) return toQString(*text);
    return {};
}

QString RequestDocument::effectiveText(const Parameter& parameter) const {
    if (const auto text = pipelines::toText(m_request, parameter)) return toQString(*text);
    return defaultText(parameter);
}

bool RequestDocument::isChanged(const Parameter& parameter) const {
    const auto own = pipelines::toText(m_request, parameter);
    return own && toQString(*own) != defaultText(parameter);
}

QString RequestDocument::setText(const Parameter& parameter, const QString& text) {
    ImageRequest after = m_request;
    try {
        pipelines::setFromText(after, parameter, text.toStdString());
        // The rest of the request may be wrong in its own right; that is not this field's to say.
        ImageRequest alone;
        pipelines::setFromText(alone, parameter, text.toStdString());
        pipelines::validate(alone);
    } catch (const Error& error) {
        return sentenceOf(error);
    }
    if (pipelines::toText(after, parameter) != pipelines::toText(m_request, parameter))
        push(after, "change of " + toQString(parameter.label).toLower(), toQString(parameter.name));
    return {};
}

void RequestDocument::reset(const Parameter& parameter) {
    ImageRequest after = m_request;
    std::visit([&](auto field) { after.*field = ImageRequest{}.*field; }, parameter.field);
    if (pipelines::toText(after, parameter) == pipelines::toText(m_request, parameter)) return;
    endEdit();
    push(after, "reset of " + toQString(parameter.label).toLower(), {});
}

void RequestDocument::replace(const ImageRequest& request, const QString& undoText) {
    push(request, undoText, {});
}

QString RequestDocument::edit(const ImageRequest& request, const QString& undoText,
                              const QString& key) {
    if (pipelines::toJson(request) == pipelines::toJson(m_request)) return {};
    ImageRequest alone; // what changes, for the reason that setText() gives
    for (const Parameter& parameter : pipelines::imageParameters())
        std::visit(
            [&](auto field) {
                if (request.*field != m_request.*field) alone.*field = request.*field;
            },
            parameter.field);
    try {
        pipelines::validate(alone);
    } catch (const Error& error) {
        return sentenceOf(error);
    }
    push(request, undoText, key);
    return {};
}

void RequestDocument::push(const ImageRequest& after, const QString& name, const QString& key) {
    m_undoStack.push(new EditRequestCommand(*this, after, name, key));
}

void RequestDocument::setInitial(const ImageRequest& request) {
    apply(request);
}

void RequestDocument::apply(const ImageRequest& request) {
    m_request = request;
    emit changed();
}

} // namespace kinora::app
