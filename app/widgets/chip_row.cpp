#include "app/widgets/chip_row.h"

#include "app/widgets/flow_layout.h"
#include "app/widgets/theme.h"

#include <QKeyEvent>
#include <QToolButton>

namespace kinora::app {

ChipRow::ChipRow(const Theme& theme, Choose choose, QWidget* parent)
    : QWidget(parent), m_choose(choose) {
    auto* layout = new FlowLayout(theme.measure("gap"), this);
    Q_UNUSED(layout); // the widget owns it
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void ChipRow::setChips(const QStringList& texts) {
    for (QToolButton* chip : std::as_const(m_chips)) {
        layout()->removeWidget(chip);
        chip->hide();
        chip->deleteLater(); // the change may come from its own click
    }
    m_chips.clear();
    QWidget* before = m_tabAfter;
    for (const QString& text : texts) {
        auto* chip = new QToolButton(this);
        chip->setText(text);
        chip->setAccessibleName(text);
        chip->setCheckable(true);
        chip->setProperty("chip", true);
        chip->installEventFilter(this);
        connect(chip, &QToolButton::clicked, this, [this, chip](bool checked) {
            const QString text = chip->text();
            if (m_choose == Choose::One) setChosen(checked ? text : QString());
            makeTabStop(m_chips.indexOf(chip));
            if (m_choose == Choose::One)
                emit picked(checked ? text : QString());
            else
                emit toggled(text, checked);
        });
        layout()->addWidget(chip);
        if (before != nullptr) QWidget::setTabOrder(before, chip);
        before = chip;
        m_chips << chip;
        chip->show();
    }
    makeTabStop(0);
    updateGeometry();
}

QStringList ChipRow::chips() const {
    QStringList texts;
    for (const QToolButton* chip : m_chips) texts << chip->text();
    return texts;
}

void ChipRow::setChosen(const QString& text) {
    setChosen(QStringList{text});
}

void ChipRow::setChosen(const QStringList& texts) {
    for (qsizetype i = 0; i < m_chips.size(); ++i) {
        const bool checked = texts.contains(m_chips[i]->text());
        if (m_chips[i]->isChecked() != checked) m_chips[i]->setChecked(checked);
        if (checked && m_choose == Choose::One) makeTabStop(i);
    }
}

QString ChipRow::chosen() const {
    for (const QToolButton* chip : m_chips)
        if (chip->isChecked()) return chip->text();
    return {};
}

void ChipRow::makeTabStop(qsizetype index) {
    for (qsizetype i = 0; i < m_chips.size(); ++i)
        m_chips[i]->setFocusPolicy(i == index ? Qt::TabFocus : Qt::NoFocus);
}

bool ChipRow::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() != QEvent::KeyPress) return false;
    const auto* key = static_cast<QKeyEvent*>(event);
    const qsizetype last = m_chips.size() - 1;
    qsizetype index = m_chips.indexOf(watched);
    if (index < 0 || key->modifiers() & ~Qt::KeypadModifier) return false;
    switch (key->key()) {
    case Qt::Key_Left:
    case Qt::Key_Up: index = index > 0 ? index - 1 : last; break;
    case Qt::Key_Right:
    case Qt::Key_Down: index = index < last ? index + 1 : 0; break;
    case Qt::Key_Home: index = 0; break;
    case Qt::Key_End: index = last; break;
    case Qt::Key_Return:
    case Qt::Key_Enter: m_chips[index]->click(); return true;
    default: return false;
    }
    makeTabStop(index);
    m_chips[index]->setFocus(Qt::TabFocusReason);
    return true;
}

} // namespace kinora::app
