#include "app/panels/prompt_field.h"

#include "app/models/request_document.h"
#include "app/models/vocabulary_loader.h"
#include "app/widgets/chip_row.h"
#include "app/widgets/completion_list.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/hint_line.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/theme.h"

#include <QSignalBlocker>
#include <QVBoxLayout>

#include <algorithm>

namespace kinora::app {
namespace {

constexpr int kMostCompletions = 8;
constexpr int kSettledMilliseconds = 300;
// A word that is still typed is unknown until its last letter.
constexpr int kInsideWordMilliseconds = 1000;

const pipelines::Parameter& promptRow() {
    return *pipelines::findImageParameter("prompt");
}

} // namespace

PromptField::PromptField(const Theme& theme, RequestDocument& document, QWidget* parent)
    : QWidget(parent), m_document(document), m_loader(new VocabularyLoader(this)),
      m_edit(new GrowingTextEdit(4, 10)), m_styles(new ChipRow(theme)), m_hint(new HintLine(theme)),
      m_completions(new CompletionList(theme, *m_edit)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(theme.measure("gap"));
    auto* label = new ParameterLabel(toQString(promptRow().label));
    label->setBuddy(m_edit);
    label->setHelp(toQString(promptRow().help), {});
    m_edit->setAccessibleName(toQString(promptRow().label));
    m_edit->setPlaceholderText(toQString(promptRow().help));
    m_styles->setAccessibleName("Styles");
    m_styles->setToolTip("A style that the model knows; choosing it writes it into the prompt");
    m_styles->setTabAfter(m_edit);
    m_styles->hide();
    layout->addWidget(label);
    layout->addWidget(m_edit);
    layout->addWidget(m_styles);
    layout->addWidget(m_hint);
    m_settled.setSingleShot(true);
    connect(&m_settled, &QTimer::timeout, this, &PromptField::refreshHint);
    connect(m_edit, &QPlainTextEdit::textChanged, this, &PromptField::typed);
    connect(m_styles, &ChipRow::picked, this, &PromptField::chooseStyle);
    connect(m_completions, &CompletionList::chosen, this, &PromptField::complete);
    connect(m_loader, &VocabularyLoader::loaded, this, &PromptField::take);
    connect(&document, &RequestDocument::changed, this, &PromptField::refresh);
    refresh();
}

void PromptField::refresh() {
    const QString prompt = toQString(m_document.request().prompt);
    if (prompt != m_edit->toPlainText()) {
        const QSignalBlocker blocker(m_edit);
        m_completions->close();
        m_edit->replaceText(prompt);
    }
    m_styles->setChosen(m_vocabulary.styleOf(prompt));
    const core::ModelEntry* model = m_document.model();
    const bool usable = model != nullptr && model->problem.empty();
    m_loader->watch(usable ? model->path : std::filesystem::path());
    if (prompt != m_hinted)
        m_settled.start(m_edit->hasFocus() && insideWord() ? kInsideWordMilliseconds
                                                           : kSettledMilliseconds);
}

void PromptField::typed() {
    m_document.setText(promptRow(), m_edit->toPlainText());
    offerCompletions();
}

void PromptField::take(const Result<core::PromptVocabulary>& vocabulary) {
    m_problem = vocabulary ? QString() : toQString(vocabulary.error().what());
    m_vocabulary = vocabulary ? *vocabulary : core::PromptVocabulary();
    m_completions->close();
    m_styles->setChips(m_vocabulary.styles());
    m_styles->setVisible(!m_vocabulary.styles().isEmpty());
    m_styles->setChosen(m_vocabulary.styleOf(m_edit->toPlainText()));
    refreshHint();
}

QString PromptField::beforeCursor() const {
    return m_edit->toPlainText().left(m_edit->textCursor().position());
}

bool PromptField::insideWord() const {
    const QString before = beforeCursor();
    return !before.isEmpty() && before.back().isLetterOrNumber();
}

void PromptField::offerCompletions() {
    const QString before = beforeCursor();
    const QString after = m_edit->toPlainText().mid(before.size());
    const qsizetype start = m_vocabulary.subjectStart(before);
    const QString typed = before.mid(start).simplified();
    const bool whole = m_vocabulary.subjects().contains(typed, Qt::CaseInsensitive);
    const bool splitsWord = !after.isEmpty() && after.front().isLetterOrNumber();
    QList<CompletionList::Row> rows;
    if (!m_vocabulary.empty() && !whole && !splitsWord)
        for (const auto& found : m_vocabulary.completions(typed, kMostCompletions))
            rows << CompletionList::Row{found.text, found.meaning};
    m_completions->offer(rows, static_cast<int>(start));
}

void PromptField::complete(const QString& text) {
    const QString before = beforeCursor();
    const QString after = m_edit->toPlainText().mid(before.size());
    const QString written = before.left(m_vocabulary.subjectStart(before)) + text;
    write(written + after, written.size());
}

void PromptField::chooseStyle(const QString& style) {
    const QString before = m_edit->toPlainText();
    const QString after = m_vocabulary.withStyle(before, style);
    // Styles stand before what is being written, so the cursor keeps its place from the end.
    write(after, after.size() - (before.size() - m_edit->textCursor().position()));
}

void PromptField::useMeaning(const core::PromptVocabulary::Meaning& meaning) {
    QString prompt = m_edit->toPlainText();
    if (prompt.mid(meaning.start, meaning.written.size()) != meaning.written) return;
    prompt.replace(meaning.start, meaning.written.size(), meaning.known);
    write(prompt, meaning.start + meaning.known.size());
    m_edit->setFocus();
    refreshHint();
}

void PromptField::write(const QString& prompt, qsizetype cursor) {
    m_document.endEdit();
    m_document.setText(promptRow(), prompt);
    m_document.endEdit();
    refresh(); // a text that the document refuses is taken back
    QTextCursor at = m_edit->textCursor();
    at.setPosition(
        static_cast<int>(std::clamp<qsizetype>(cursor, 0, m_edit->toPlainText().size())));
    m_edit->setTextCursor(at);
}

void PromptField::refreshHint() {
    m_settled.stop();
    m_hinted = m_edit->toPlainText();
    const core::ModelEntry* model = m_document.model();
    if (!m_problem.isEmpty() || m_vocabulary.empty() || model == nullptr) {
        m_hint->say(m_problem);
        return;
    }
    auto reading = m_vocabulary.read(m_hinted);
    const QString title = toQString(model->title.empty() ? model->name : model->title);
    if (!reading.meant.isEmpty()) { // one thing at a time
        const auto meaning = reading.meant.first();
        reading.meant = {meaning};
        m_hint->say(core::PromptVocabulary::hints(reading, title).first(),
                    QString("Use \u201c%1\u201d").arg(meaning.known),
                    [this, meaning] { useMeaning(meaning); });
    } else if (!reading.unknown.isEmpty()) {
        m_hint->say(core::PromptVocabulary::hints(reading, title).first(), "Open the models folder",
                    [this] { emit modelsFolderWanted(); });
    } else {
        m_hint->say({});
    }
}

} // namespace kinora::app
