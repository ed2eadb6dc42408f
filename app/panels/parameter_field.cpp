#include "app/panels/parameter_field.h"

#include "app/models/request_document.h"
#include "app/widgets/calm_inputs.h"
#include "app/widgets/number_field.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"
#include "core/media/sampler_names.h"

#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>

namespace kinora::app {
namespace {

using pipelines::ImageRequest;
using pipelines::Parameter;

bool isWhole(const Parameter& parameter) {
    return std::holds_alternative<int64_t ImageRequest::*>(parameter.field) ||
           std::holds_alternative<std::optional<int64_t> ImageRequest::*>(parameter.field);
}

bool isNumber(const Parameter& parameter) {
    return isWhole(parameter) || std::holds_alternative<double ImageRequest::*>(parameter.field) ||
           std::holds_alternative<std::optional<double> ImageRequest::*>(parameter.field);
}

// What people use of a wide range; a typed number may go beyond.
struct SliderRange {
    std::string_view name;
    double minimum, maximum, perUnit;
    double usual = minimum; // what counts where neither request nor model nor table says
};
constexpr std::array kSliders = {
    SliderRange{"steps", 1, 60, 1},
    SliderRange{"cfg", 0, 15, 10},
    SliderRange{"guidanceRescale", 0, 1, 100},
    SliderRange{"eta", 0, 1, 100},
    SliderRange{"strength", 0, 1, 100, 0.75},
    SliderRange{"refinerAt", 0, 1, 100, 0.8},
    SliderRange{"hires", 1, 4, 20},
    SliderRange{"hiresSteps", 1, 60, 1},
    SliderRange{"hiresStrength", 0, 1, 100, 0.5},
};

// Choices that are shown under another name, but for samplers, whose titles their files have, and
// schedules that are shown as the web UIs write them.
constexpr auto kTitles = std::to_array<std::pair<std::string_view, const char*>>({
    {"normal", "Normal"},
    {"sgm_uniform", "SGM uniform"},
    {"align_your_steps", "Align your steps"},
    {"torch-cpu", "PyTorch, CPU"},
    {"philox", "PyTorch, CUDA (Philox)"},
    {"auto", "Automatic"},
    {"none", "As it is"},
    {"canny", "Canny edges"},
    {"scribble", "Scribble"},
    {"tile", "Tile"},
    {"blur", "Blur"},
    {"lineart", "Line art"},
    {"transparent", "Transparent"},
    {"white", "White"},
});

} // namespace

QString choiceTitle(std::string_view name) {
    const auto it = std::ranges::find(kTitles, name, [](const auto& entry) { return entry.first; });
    if (it != kTitles.end()) return it->second;
    const std::string sampler = core::samplerTitle(name);
    return toQString(sampler == name ? core::webUiSchedule(name) : sampler);
}

void setUpNumber(NumberField& field, const Parameter& parameter) {
    const bool whole = isWhole(parameter);
    field.setDecimals(whole ? 0 : 2);
    field.setRange(parameter.minimum, parameter.maximum);
    const double wholeStep = static_cast<double>(parameter.multipleOf);
    const double step = whole ? wholeStep : (parameter.maximum > 1 ? 0.5 : 0.05);
    field.setSingleStep(step);
    field.setDragStep(step);
    if (whole && parameter.multipleOf > 1) field.setMultiple(wholeStep);
    if (!parameter.unit.empty()) field.setSuffix(" " + toQString(parameter.unit));
    field.setAccessibleName(toQString(parameter.label));
    field.setToolTip(toQString(parameter.help));
}

QGridLayout* makeFieldLayout(const Theme& theme, QWidget* row) {
    constexpr int labelColumn = 124; // px: the longest label of the table at the theme's text size
    auto* layout = new QGridLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setHorizontalSpacing(theme.measure("gap"));
    layout->setVerticalSpacing(theme.measure("gap"));
    layout->setColumnMinimumWidth(0, labelColumn);
    layout->setColumnStretch(1, 1);
    return layout;
}

ParameterField::ParameterField(const Theme& theme, RequestDocument& document,
                               const Parameter& parameter, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_document(document), m_parameter(parameter),
      m_label(new ParameterLabel(toQString(parameter.label))), m_row(new QHBoxLayout),
      m_error(makeLabel({}, "error", "small")) {
    QGridLayout* layout = makeFieldLayout(theme, this);
    m_row->setSpacing(theme.measure("margin"));
    layout->addWidget(m_label, 0, 0, Qt::AlignLeft | Qt::AlignVCenter);
    layout->addLayout(m_row, 0, 1);
    layout->addWidget(m_error, 1, 1);
    m_error->setWordWrap(true);
    m_error->hide();
    if (isNumber(parameter))
        makeNumber();
    else if (!parameter.choices.empty())
        makeChoice();
    else
        makeText();
    m_control->setAccessibleName(toQString(parameter.label));
    m_label->setBuddy(m_control);
    connect(m_label, &ParameterLabel::resetWanted, this, [this] {
        m_error->hide();
        m_document.reset(m_parameter);
        refresh();
    });
    connect(&document, &RequestDocument::changed, this, &ParameterField::refresh);
    refresh();
}

void ParameterField::setLabel(const QString& text) {
    m_label->setText(text);
}

void ParameterField::addBeside(QWidget* widget) {
    m_row->addWidget(widget);
}

QString ParameterField::error() const {
    return m_error->isHidden() ? QString() : m_error->text();
}

void ParameterField::makeNumber() {
    m_number = new NumberField;
    m_control = m_number;
    setUpNumber(*m_number, m_parameter);
    connect(m_number, &NumberField::edited, this, [this](double value) {
        if (value >= m_parameter.minimum) commit(m_number->textFromValue(value));
    });
    connect(m_number, &NumberField::dragFinished, &m_document, &RequestDocument::endEdit);
    const auto range = std::ranges::find(kSliders, m_parameter.name, &SliderRange::name);
    if (range == kSliders.end()) {
        m_row->addWidget(m_number, 1);
        return;
    }
    m_slider = new MarkedSlider(m_theme);
    m_sliderScale = range->perUnit;
    m_usual = range->usual;
    m_slider->setRange(qRound(range->minimum * m_sliderScale),
                       qRound(range->maximum * m_sliderScale));
    m_slider->setSingleStep(std::max(1, qRound(m_number->singleStep() * m_sliderScale)));
    m_slider->setPageStep(m_slider->singleStep() * 5);
    m_slider->setAccessibleName(toQString(m_parameter.label) + " slider");
    m_slider->setToolTip(toQString(m_parameter.help));
    m_number->setFixedWidth(56);
    m_row->addWidget(m_slider, 1);
    m_row->addWidget(m_number);
    connect(m_slider, &QSlider::valueChanged, this, [this](int position) {
        const double step = m_slider->singleStep(); // whole steps, as the field's own arrows do
        const double even = std::round(position / step) * step / m_sliderScale;
        commit(m_number->textFromValue(std::clamp(even, m_parameter.minimum, m_parameter.maximum)));
    });
    connect(m_slider, &QSlider::sliderReleased, &m_document, &RequestDocument::endEdit);
}

void ParameterField::makeChoice() {
    m_choice = new ChoiceBox(m_theme);
    m_control = m_choice;
    for (const std::string_view name : m_parameter.choices)
        m_choice->addItem(choiceTitle(name), toQString(name));
    m_row->addWidget(m_choice, 1);
    connect(m_choice, &QComboBox::activated, this, [this](int index) {
        const QString value = m_choice->itemData(index).toString();
        if (value.isEmpty())
            m_document.reset(m_parameter);
        else
            commit(value);
        m_document.endEdit();
    });
}

void ParameterField::makeText() {
    m_text = new QLineEdit;
    m_control = m_text;
    m_text->setToolTip(toQString(m_parameter.help));
    m_row->addWidget(m_text, 1);
    connect(m_text, &QLineEdit::editingFinished, this, [this] {
        commit(m_text->text().trimmed());
        m_document.endEdit();
    });
}

void ParameterField::commit(const QString& text) {
    const QString problem = text == m_document.effectiveText(m_parameter)
                                ? QString()
                                : m_document.setText(m_parameter, text);
    m_error->setText(problem);
    m_error->setVisible(!problem.isEmpty());
    if (m_text != nullptr)
        setStyleProperty(m_text, "invalid", problem.isEmpty() ? "false" : "true");
    if (problem.isEmpty()) refresh();
}

void ParameterField::refresh() {
    const QString text = m_document.effectiveText(m_parameter);
    const QString fallback = m_document.defaultText(m_parameter);
    if (m_number != nullptr) {
        const QSignalBlocker blocker(m_number);
        // Where nobody says, a value below the range stands for it.
        const bool open = text.isEmpty();
        const double nobody = m_parameter.minimum - m_number->singleStep();
        m_number->setSpecialValueText(open ? "Auto" : QString());
        m_number->setMinimum(open ? nobody : m_parameter.minimum);
        const double value = open ? nobody : text.toDouble();
        if (value != m_number->value()) m_number->setValue(value);
    }
    if (m_slider != nullptr) {
        const QSignalBlocker blocker(m_slider);
        m_slider->setValue(qRound((text.isEmpty() ? m_usual : text.toDouble()) * m_sliderScale));
        const bool marked = !fallback.isEmpty();
        m_slider->setMark(marked ? std::optional(qRound(fallback.toDouble() * m_sliderScale))
                                 : std::nullopt);
    }
    if (m_choice != nullptr) {
        const QSignalBlocker blocker(m_choice);
        // Where neither model nor table names one, the model's configs or the run do: an entry of
        // its own.
        const bool hasOwn = m_choice->itemData(0).toString().isEmpty();
        const char* const unset = m_parameter.name == "sampler" ? "The model's own" : "Automatic";
        if (fallback.isEmpty() && !hasOwn) m_choice->insertItem(0, unset, QString());
        if (!fallback.isEmpty() && hasOwn) m_choice->removeItem(0);
        m_choice->setCurrentIndex(m_choice->findData(text));
    }
    if (m_text != nullptr && !m_text->hasFocus() && error().isEmpty()) m_text->setText(text);
    const QString shown = m_choice != nullptr ? choiceTitle(fallback.toStdString()) : fallback;
    m_label->setHelp(toQString(m_parameter.help), shown);
    m_label->setChanged(m_document.isChanged(m_parameter));
}

} // namespace kinora::app
