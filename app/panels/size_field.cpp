#include "app/panels/size_field.h"

#include "app/models/request_document.h"
#include "app/panels/parameter_field.h"
#include "app/widgets/number_field.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QGridLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QToolButton>

namespace kinora::app {

SizeField::SizeField(const Theme& theme, RequestDocument& document, QWidget* parent)
    : QWidget(parent), m_document(document),
      m_widthParameter(*pipelines::findImageParameter("width")),
      m_heightParameter(*pipelines::findImageParameter("height")),
      m_label(new ParameterLabel("Size")), m_width(new NumberField), m_height(new NumberField) {
    QGridLayout* layout = makeFieldLayout(theme, this);
    layout->setColumnStretch(3, 1);
    QToolButton* swap = makeIconButton(theme, "swap", "Swap width and height");
    layout->addWidget(m_label, 0, 0, Qt::AlignLeft | Qt::AlignVCenter);
    layout->addWidget(m_width, 0, 1);
    layout->addWidget(makeLabel(QString(QChar(0x00d7)), "second"), 0, 2);
    layout->addWidget(m_height, 0, 3);
    layout->addWidget(swap, 0, 4);
    for (NumberField* field : {m_width, m_height}) { // "8192 px" and no more
        field->setMinimumWidth(fontMetrics().horizontalAdvance("8192 px") + theme.measure("icon"));
        field->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    }
    connectField(m_width, m_widthParameter);
    connectField(m_height, m_heightParameter);
    m_label->setBuddy(m_width);
    connect(swap, &QToolButton::clicked, this, [this] {
        pipelines::ImageRequest request = m_document.request();
        request.width = static_cast<int64_t>(m_height->value());
        request.height = static_cast<int64_t>(m_width->value());
        if (*request.width > 0 && *request.height > 0)
            m_document.replace(request, "swap of width and height");
    });
    connect(m_label, &ParameterLabel::resetWanted, this, [this] {
        pipelines::ImageRequest request = m_document.request();
        request.width.reset();
        request.height.reset();
        if (m_document.isChanged(m_widthParameter) || m_document.isChanged(m_heightParameter))
            m_document.replace(request, "reset of size");
    });
    connect(&document, &RequestDocument::changed, this, &SizeField::refresh);
    refresh();
}

void SizeField::connectField(NumberField* field, const pipelines::Parameter& parameter) {
    setUpNumber(*field, parameter);
    connect(field, &NumberField::edited, this, [this, field, &parameter](double) {
        m_document.setText(parameter, field->textFromValue(field->value()));
    });
    connect(field, &NumberField::dragFinished, &m_document, &RequestDocument::endEdit);
}

void SizeField::refresh() {
    const auto show = [this](NumberField* field, const pipelines::Parameter& parameter) {
        const QSignalBlocker blocker(field);
        const QString text = m_document.effectiveText(parameter);
        field->setSpecialValueText(text.isEmpty() ? "Model's" : QString());
        field->setMinimum(text.isEmpty() ? 0 : parameter.minimum);
        if (text.toDouble() != field->value()) field->setValue(text.toDouble());
    };
    show(m_width, m_widthParameter);
    show(m_height, m_heightParameter);
    const QString width = m_document.defaultText(m_widthParameter);
    const QString height = m_document.defaultText(m_heightParameter);
    m_label->setHelp(toQString(m_widthParameter.help) + "\n" + toQString(m_heightParameter.help),
                     width.isEmpty() ? QString() : width + " \u00d7 " + height + " px");
    m_label->setChanged(m_document.isChanged(m_widthParameter) ||
                        m_document.isChanged(m_heightParameter));
}

} // namespace kinora::app
