#include "app/panels/sections/companion_field.h"

#include "app/models/request_document.h"
#include "app/panels/parameter_field.h"
#include "app/panels/sections/companion_box.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QGridLayout>
#include <QLabel>

#include <algorithm>
#include <iterator>

namespace kinora::app {
namespace {

struct Row {
    std::string_view parameter;
    core::CompanionKind kind;
    const char* none;
};
constexpr Row kRows[] = {{"vae", core::CompanionKind::Vae, "The model's own"},
                         {"hiresUpscaler", core::CompanionKind::Upscaler, "A plain filter"},
                         {"upscaler", core::CompanionKind::Upscaler, "None"}};

const Row* rowOf(const pipelines::Parameter& parameter) {
    const auto* const found = std::ranges::find(kRows, parameter.name, &Row::parameter);
    return found == std::end(kRows) ? nullptr : found;
}

} // namespace

std::optional<core::CompanionKind> CompanionField::kindFor(const pipelines::Parameter& parameter) {
    const Row* row = rowOf(parameter);
    return row == nullptr ? std::nullopt : std::optional(row->kind);
}

CompanionField::CompanionField(const Theme& theme, RequestDocument& document,
                               const pipelines::Parameter& parameter, QWidget* parent)
    : QWidget(parent), m_document(document), m_parameter(parameter), m_kind(rowOf(parameter)->kind),
      m_label(new ParameterLabel(toQString(parameter.label))),
      m_box(new CompanionBox(theme, document, {m_kind})),
      m_problem(makeLabel({}, "error", "small")) {
    QGridLayout* layout = makeFieldLayout(theme, this);
    layout->addWidget(m_label, 0, 0, Qt::AlignLeft | Qt::AlignVCenter);
    layout->addWidget(m_box, 0, 1);
    layout->addWidget(m_problem, 1, 1);
    m_problem->setWordWrap(true);
    m_box->makeOptional(rowOf(parameter)->none);
    m_box->setAccessibleName(toQString(parameter.label));
    m_label->setBuddy(m_box);
    m_label->setHelp(toQString(parameter.help), {});
    connect(m_box, &CompanionBox::picked, this,
            [this](core::CompanionKind, const std::string& name) {
                if (name.empty())
                    m_document.reset(m_parameter);
                else
                    m_document.setText(m_parameter, toQString(name));
                m_document.endEdit();
            });
    connect(m_label, &ParameterLabel::resetWanted, this, [this] { m_document.reset(m_parameter); });
    connect(&document, &RequestDocument::changed, this, &CompanionField::refresh);
    connect(&document, &RequestDocument::companionsChanged, this, &CompanionField::refresh);
    refresh();
}

void CompanionField::setLabel(const QString& text) {
    m_label->setText(text);
}

void CompanionField::refresh() {
    const std::string name = pipelines::toText(m_document.request(), m_parameter).value_or("");
    m_box->setCurrent(m_kind, name);
    if (name.empty()) m_box->setToolTip(toQString(m_parameter.help));
    const QString problem = name.empty() ? QString() : m_box->problem();
    m_problem->setText(problem);
    m_problem->setVisible(!problem.isEmpty());
    m_label->setChanged(!name.empty());
}

} // namespace kinora::app
