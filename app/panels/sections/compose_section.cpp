#include "app/panels/sections/compose_section.h"

#include "app/models/request_document.h"
#include "app/panels/parameter_field.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"
#include "core/library/companion_files.h"

#include <QLabel>
#include <QVBoxLayout>

#include <algorithm>

namespace kinora::app {

ComposeSection::ComposeSection(const Parts& parts, const QString& title)
    : FoldSection(parts.theme, title), m_parts(parts), m_problem(makeLabel({}, "error", "small")) {
    content()->setSpacing(parts.theme.measure("margin"));
    m_problem->setWordWrap(true);
    m_problem->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_problem->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_problem->hide();
    content()->addWidget(m_problem);
}

void ComposeSection::begin() {
    connect(&document(), &RequestDocument::changed, this, &ComposeSection::documentChanged);
    connect(&document(), &RequestDocument::companionsChanged, this,
            &ComposeSection::documentChanged);
    documentChanged();
}

void ComposeSection::documentChanged() {
    refresh();
    const QString on = summary();
    setHint(on);
    const bool used = !on.isEmpty();
    if (used && !m_wasUsed) setOpen(true); // what came from a picture's metadata is seen
    m_wasUsed = used;
}

const pipelines::ImageRequest& ComposeSection::request() const {
    return m_parts.document.request();
}

ParameterField* ComposeSection::addField(std::string_view name) {
    const pipelines::Parameter* parameter = pipelines::findImageParameter(name);
    if (parameter == nullptr) return nullptr;
    m_fields.push_back(new ParameterField(theme(), document(), *parameter));
    content()->addWidget(m_fields.back());
    return m_fields.back();
}

bool ComposeSection::use(const core::CompanionInfo&) {
    return false;
}

QString ComposeSection::usePicture(const std::filesystem::path&) {
    return {};
}

bool ComposeSection::isAbout(const QString& message) const {
    const QStringList words = marks();
    return std::ranges::any_of(
        words, [&](const QString& word) { return message.contains(word, Qt::CaseInsensitive); });
}

void ComposeSection::showProblem(const QString& sentence) {
    m_problem->setText(sentence);
    m_problem->setVisible(!sentence.isEmpty());
    setProblem(!sentence.isEmpty());
}

QString ComposeSection::problem() const {
    return m_problem->isHidden() ? QString() : m_problem->text();
}

QString markOf(const std::string& fileOrName) {
    const bool isFile = core::hasWeightsEnding(fileOrName);
    return toQString(isFile ? core::companionName(fileOrName) : fileOrName) + ".";
}

QString inWindowWords(QString sentence) {
    std::vector<const pipelines::Parameter*> rows;
    for (const pipelines::Parameter& parameter : pipelines::imageParameters())
        rows.push_back(&parameter);
    // "--control-image" before "--control".
    std::ranges::sort(rows, std::ranges::greater(),
                      [](const auto* row) { return row->option.size(); });
    for (const pipelines::Parameter* row : rows)
        sentence.replace("--" + toQString(row->option),
                         QChar(0x201c) + toQString(row->label) + QChar(0x201d));
    return sentence;
}

} // namespace kinora::app
