#include "app/panels/compose_panel.h"

#include "app/models/request_document.h"
#include "app/panels/parameter_field.h"
#include "app/panels/prompt_field.h"
#include "app/panels/sections/companion_field.h"
#include "app/panels/sections/sections.h"
#include "app/panels/seed_field.h"
#include "app/panels/size_field.h"
#include "app/widgets/calm_inputs.h"
#include "app/widgets/fold_section.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/number_field.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QApplication>
#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <array>

namespace kinora::app {
namespace {

using pipelines::Parameter;
using pipelines::ParameterRole;

const Parameter& row(std::string_view name) {
    return *pipelines::findImageParameter(name);
}

constexpr const char* kAddFolder = "\u2026"; // no model is called so

// Rows of their own above "More", or not for a person to set here.
constexpr std::array<std::string_view, 10> kShownAbove = {
    "model", "prompt", "negative", "width", "height", "steps", "sampler", "cfg", "seed", "count"};

QVBoxLayout* column(QWidget* widget, int spacing) {
    auto* layout = new QVBoxLayout(widget);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(spacing);
    return layout;
}

// Two folders may carry one title: then the folder's name is said too.
QString modelTitle(const std::vector<core::ModelEntry>& models, const core::ModelEntry& entry) {
    if (entry.title.empty() || entry.title == entry.name) return toQString(entry.name);
    const auto same = std::ranges::count(models, entry.title, &core::ModelEntry::title);
    if (same < 2 || entry.builtIn) return toQString(entry.title);
    return toQString(entry.title + " (" + entry.name + ")");
}

} // namespace

QString planSentence(const pipelines::Plan& plan) {
    const QString peak = sizePhrase(plan.peakBytes);
    if (!plan.fits) {
        QString sentence = QString("Does not fit: it needs %1, %2 is free.")
                               .arg(peak, sizePhrase(plan.availableBytes));
        if (!plan.advice.empty()) sentence += " " + toQString(plan.advice);
        return sentence;
    }
    const QString separator = QString(" %1 ").arg(QChar(0x00b7));
    QString device = toQString(plan.device).toUpper();
    QString sentence = device + ", " + toQString(plan.precision);
    if (plan.seconds > 0) sentence += separator + "about " + secondsPhrase(plan.seconds);
    sentence += separator + peak;
    for (const std::string& warning : plan.warnings) sentence += "\n" + toQString(warning);
    return sentence;
}

ComposePanel::ComposePanel(const Theme& theme, RequestDocument& document, GuidePictures& pictures,
                           QWidget* parent)
    : QWidget(parent), m_theme(theme), m_document(document), m_notice(new NoticeBar(theme)),
      m_pictures(pictures) {
    setProperty("surface", "panel");
    setAttribute(Qt::WA_StyledBackground);
    auto* layout = column(this, 0);
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setFocusPolicy(Qt::NoFocus);
    QWidget* content = makeContent();
    scroll->setWidget(content);
    layout->addWidget(scroll, 1);
    layout->addWidget(makeLine());
    layout->addWidget(makeFooter());
    // The scroll bar takes its room beside the fields, not over them.
    content->ensurePolished();
    const int bar = scroll->verticalScrollBar()->sizeHint().width();
    setMinimumWidth(std::max(304, content->minimumSizeHint().width() + bar));
    connect(&document, &RequestDocument::changed, this, &ComposePanel::refresh);
    connect(&document, &RequestDocument::modelsChanged, this, &ComposePanel::refreshModels);
    refreshModels();
    refresh();
}

QWidget* ComposePanel::makeContent() {
    auto* content = new QWidget;
    content->setProperty("surface", "panel");
    content->setAttribute(Qt::WA_StyledBackground);
    const int margin = m_theme.measure("margin");
    auto* layout = column(content, margin);
    layout->setContentsMargins(margin, margin, margin, margin);
    const auto addField = [&](std::string_view name) {
        m_fields.push_back(new ParameterField(m_theme, m_document, row(name)));
        layout->addWidget(m_fields.back());
    };
    const auto addGroupGap = [&] { layout->addSpacing(m_theme.measure("gap")); };
    layout->addWidget(m_notice);
    layout->addWidget(makePromptGroup());
    addGroupGap();
    layout->addWidget(makeModelRow());
    layout->addWidget(new SizeField(m_theme, m_document));
    addGroupGap();
    for (const std::string_view name : {"steps", "sampler", "cfg"}) addField(name);
    addGroupGap();
    m_seed = new SeedField(m_theme, m_document);
    layout->addWidget(m_seed);
    addField("count");
    addGroupGap();
    addSections(*layout);
    layout->addWidget(makeMore());
    layout->addStretch(1);
    return content;
}

QWidget* ComposePanel::makePromptGroup() {
    auto* group = new QWidget;
    auto* layout = column(group, m_theme.measure("gap"));
    m_prompt = new PromptField(m_theme, m_document);
    connect(m_prompt, &PromptField::modelsFolderWanted, this, &ComposePanel::modelsFolderWanted);
    const Parameter& parameter = row("negative");
    m_negativeFold = new FoldSection(m_theme, toQString(parameter.label));
    m_negative = new GrowingTextEdit(2, 5);
    m_negative->setAccessibleName(toQString(parameter.label));
    m_negative->setPlaceholderText(toQString(parameter.help));
    connect(m_negative, &QPlainTextEdit::textChanged, this,
            [this, &parameter] { m_document.setText(parameter, m_negative->toPlainText()); });
    m_negativeFold->content()->addWidget(m_negative);
    layout->addWidget(m_prompt);
    layout->addWidget(m_negativeFold);
    return group;
}

QWidget* ComposePanel::makeModelRow() {
    auto* group = new QWidget;
    QGridLayout* layout = makeFieldLayout(m_theme, group);
    m_modelLabel = new ParameterLabel(toQString(row("model").label));
    m_model = new ChoiceBox(m_theme);
    m_model->setAccessibleName(toQString(row("model").label));
    m_modelLabel->setBuddy(m_model);
    m_modelLabel->setHelp(toQString(row("model").help), "the starter model");
    m_modelNotice = new NoticeBar(m_theme);
    layout->addWidget(m_modelLabel, 0, 0, Qt::AlignLeft | Qt::AlignVCenter);
    layout->addWidget(m_model, 0, 1);
    layout->addWidget(m_modelNotice, 1, 0, 1, 2);
    connect(m_model, &QComboBox::activated, this, &ComposePanel::chooseModel);
    connect(m_modelLabel, &ParameterLabel::resetWanted, this,
            [this] { m_document.reset(row("model")); });
    return group;
}

void ComposePanel::addSections(QVBoxLayout& layout) {
    m_sections = makeSections({m_theme, m_document, m_pictures});
    for (ComposeSection* section : m_sections) {
        layout.addWidget(section);
        m_fields.insert(m_fields.end(), section->fields().begin(), section->fields().end());
        connect(section, &ComposeSection::otherFileWanted, this, &ComposePanel::otherFileWanted);
        connect(section, &ComposeSection::modelsFolderWanted, this,
                &ComposePanel::modelsFolderWanted);
    }
}

QWidget* ComposePanel::makeMore() {
    m_more = new FoldSection(m_theme, "More");
    m_more->content()->setSpacing(m_theme.measure("margin"));
    for (const Parameter& parameter : pipelines::imageParameters()) {
        const bool above = std::ranges::find(kShownAbove, parameter.name) != kShownAbove.end();
        const bool inSection = sectionOf(parameter.name) != nullptr;
        const bool isHere = parameter.role != ParameterRole::Output || parameter.name == "preview";
        if (above || inSection || !isHere) continue;
        if (CompanionField::kindFor(parameter)) {
            m_more->content()->addWidget(new CompanionField(m_theme, m_document, parameter));
            continue;
        }
        m_fields.push_back(new ParameterField(m_theme, m_document, parameter));
        m_more->content()->addWidget(m_fields.back());
    }
    return m_more;
}

QWidget* ComposePanel::makeFooter() {
    auto* footer = new QWidget;
    const int margin = m_theme.measure("margin");
    auto* layout = column(footer, margin);
    layout->setContentsMargins(margin, margin, margin, margin);
    m_plan = makeLabel("Reading the model", "second");
    m_plan->setWordWrap(true);
    m_plan->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_plan->setAccessibleName("Plan");
    m_plan->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_generate = new QPushButton("Generate");
    m_generate->setProperty("primary", true);
    m_generate->setToolTip("Make the picture (Ctrl+Enter)");
    m_generate->setAccessibleDescription("Makes the picture that the settings describe");
    connect(m_generate, &QPushButton::clicked, this, &ComposePanel::generateWanted);
    layout->addWidget(m_plan);
    layout->addWidget(m_generate);
    return footer;
}

void ComposePanel::refresh() {
    const pipelines::ImageRequest& request = m_document.request();
    {
        const QSignalBlocker blocker(m_negative);
        m_negative->replaceText(toQString(request.negative));
    }
    m_negativeFold->setHint(request.negative.empty() ? QString() : "in use");
    int changedBelow = 0;
    for (const QWidget* field : m_more->findChildren<QWidget*>()) {
        const auto* plain = qobject_cast<const ParameterField*>(field);
        const auto* file = qobject_cast<const CompanionField*>(field);
        if (plain != nullptr && m_document.isChanged(plain->parameter())) ++changedBelow;
        if (file != nullptr && m_document.isChanged(file->parameter())) ++changedBelow;
    }
    m_more->setHint(changedBelow == 0 ? QString()
                                      : countPhrase(changedBelow, "changed", "changed"));
    const core::ModelEntry* model = m_document.model();
    const QSignalBlocker blocker(m_model);
    m_model->setCurrentIndex(model == nullptr ? -1 : m_model->findData(toQString(model->name)));
    m_modelLabel->setChanged(!request.model.empty());
    if (m_document.models().empty()) return;
    if (model == nullptr) {
        m_modelNotice->showNotice(
            NoticeTone::Error, "There is no model named " + toQString(request.model) + " here.",
            "Use the starter model", [this] { m_document.reset(row("model")); });
    } else if (!model->problem.empty()) {
        m_modelNotice->showNotice(NoticeTone::Error, toQString(model->problem),
                                  "Use the starter model",
                                  [this] { m_document.reset(row("model")); });
    } else {
        m_modelNotice->dismiss();
    }
}

void ComposePanel::refreshModels() {
    const QSignalBlocker blocker(m_model);
    m_model->clear();
    for (const core::ModelEntry& entry : m_document.models()) {
        const QString title = modelTitle(m_document.models(), entry);
        const QIcon mark = entry.problem.empty() ? QIcon() : m_theme.icon("warning", "warning");
        m_model->addItem(mark, title, toQString(entry.name));
        const QString about = entry.problem.empty()
                                  ? toQString(entry.kind) + ", " + sizePhrase(entry.sizeBytes)
                                  : toQString(entry.problem);
        const QString tip = title + "\n" + about;
        m_model->setItemData(m_model->count() - 1, tip, Qt::ToolTipRole);
    }
    if (m_model->count() > 0) m_model->insertSeparator(m_model->count());
    m_model->addItem("Add a folder of models\u2026", QString(kAddFolder));
    m_model->setItemData(m_model->count() - 1,
                         "Folders of A1111, ComfyUI and InvokeAI are read where they are",
                         Qt::ToolTipRole);
}

void ComposePanel::chooseModel(int index) {
    if (m_model->itemData(index).toString() == kAddFolder) {
        refresh(); // the model that is used stays the current one
        if (!m_model->isStepping()) emit modelFolderAdditionWanted();
        return;
    }
    m_document.endEdit();
    m_document.setText(row("model"), m_model->itemData(index).toString());
}

bool ComposePanel::useFile(const core::CompanionInfo& file) {
    for (ComposeSection* section : m_sections) {
        if (!section->use(file)) continue;
        section->setOpen(true);
        return true;
    }
    return false;
}

void ComposePanel::usePicture(std::string_view parameter, const std::filesystem::path& file) {
    ComposeSection* section = sectionOf(parameter);
    if (section == nullptr) return;
    section->setOpen(true);
    const QString problem = section->usePicture(file);
    if (!problem.isEmpty()) m_notice->showNotice(NoticeTone::Info, problem);
}

ComposeSection* ComposePanel::sectionOf(std::string_view parameter) const {
    const auto it = std::ranges::find_if(m_sections, [&](const ComposeSection* section) {
        const auto names = section->parameters();
        return std::ranges::find(names, parameter) != names.end();
    });
    return it == m_sections.end() ? nullptr : *it;
}

void ComposePanel::showProblemAtItsSection(const QString& sentence) {
    bool said = sentence.isEmpty();
    for (ComposeSection* section : m_sections) {
        const bool own = !said && section->isAbout(sentence);
        section->showProblem(own ? sentence : QString());
        said = said || own;
    }
}

void ComposePanel::showPlan(const Result<pipelines::Plan>& plan) {
    showProblemAtItsSection(plan ? QString() : inWindowWords(sentenceOf(plan.error())));
    if (plan) {
        setStyleProperty(m_plan, "tone", plan->fits ? "second" : "error");
        m_plan->setText(planSentence(*plan));
        m_plan->setToolTip(toQString(plan->deviceName));
        return;
    }
    const core::ModelEntry* model = m_document.model();
    if (model != nullptr && !model->problem.empty()) { // why is said at the model already
        setStyleProperty(m_plan, "tone", "second");
        m_plan->setText("The model cannot be used.");
        m_plan->setToolTip({});
        return;
    }
    const QString text = inWindowWords(sentenceOf(plan.error()));
    setStyleProperty(m_plan, "tone", "error");
    m_plan->setText(text.left(600));
    m_plan->setToolTip(text.size() > 600 ? text : QString());
}

void ComposePanel::setBusy(bool busy) {
    if (busy == m_busy) return;
    m_busy = busy;
    m_generate->setText(busy ? "Add to queue" : "Generate");
    m_generate->setToolTip(busy ? "Make the picture when the work before it is done (Ctrl+Enter)"
                                : "Make the picture (Ctrl+Enter)");
}

void ComposePanel::setLastSeed(int64_t seed) {
    m_seed->setLastSeed(seed);
}

bool ComposePanel::commitEdits() {
    QWidget* focused = QApplication::focusWidget();
    if (focused != nullptr && isAncestorOf(focused) && focused != m_prompt->edit() &&
        focused != m_negative) {
        focused->clearFocus(); // a field enters its text when it loses the focus
        focused->setFocus();
    }
    if (!m_seed->error().isEmpty()) return false;
    return std::ranges::all_of(m_fields, [](auto* field) { return field->error().isEmpty(); });
}

void ComposePanel::focusPrompt() {
    m_prompt->edit()->setFocus();
    m_prompt->edit()->moveCursor(QTextCursor::End);
}

QWidget* ComposePanel::lastInTabOrder() const {
    return m_generate;
}

ParameterField* ComposePanel::field(const std::string& name) const {
    const auto it = std::ranges::find_if(
        m_fields, [&](const ParameterField* field) { return field->parameter().name == name; });
    return it == m_fields.end() ? nullptr : *it;
}

} // namespace kinora::app
