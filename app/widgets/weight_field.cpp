#include "app/widgets/weight_field.h"

#include "app/widgets/calm_inputs.h"
#include "app/widgets/number_field.h"
#include "app/widgets/theme.h"

#include <QHBoxLayout>
#include <QSignalBlocker>

#include <cmath>

namespace kinora::app {
namespace {

constexpr double kPositionsPerUnit = 100;
constexpr int kStep = 5; // positions
constexpr int kNumberWidth = 56;

} // namespace

WeightField::WeightField(const Theme& theme, const QString& name, const QString& help,
                         const Range& range, QWidget* parent)
    : QWidget(parent), m_slider(new MarkedSlider(theme)), m_number(new NumberField) {
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(theme.measure("margin"));
    layout->addWidget(m_slider, 1);
    layout->addWidget(m_number);
    m_slider->setRange(qRound(range.sliderMinimum * kPositionsPerUnit),
                       qRound(range.sliderMaximum * kPositionsPerUnit));
    m_slider->setSingleStep(kStep);
    m_slider->setPageStep(4 * kStep);
    m_slider->setMark(qRound(range.usual * kPositionsPerUnit));
    m_slider->setAccessibleName(name + " slider");
    m_slider->setToolTip(help);
    m_number->setDecimals(2);
    m_number->setRange(range.minimum, range.maximum);
    m_number->setSingleStep(kStep / kPositionsPerUnit);
    m_number->setDragStep(kStep / kPositionsPerUnit);
    m_number->setFixedWidth(kNumberWidth);
    m_number->setAccessibleName(name);
    m_number->setToolTip(help);
    setFocusProxy(m_number);
    connect(m_slider, &QSlider::valueChanged, this, [this](int position) {
        const double even = std::round(position / double{kStep}) * kStep / kPositionsPerUnit;
        setValue(even);
        emit edited(even);
    });
    connect(m_slider, &QSlider::sliderReleased, this, &WeightField::finished);
    connect(m_number, &NumberField::edited, this, [this](double value) {
        setValue(value);
        emit edited(value);
    });
    connect(m_number, &NumberField::dragFinished, this, &WeightField::finished);
}

double WeightField::value() const {
    return m_number->value();
}

void WeightField::setValue(double value) {
    const QSignalBlocker number(m_number), slider(m_slider);
    if (m_number->value() != value) m_number->setValue(value);
    m_slider->setValue(qRound(value * kPositionsPerUnit));
}

} // namespace kinora::app
