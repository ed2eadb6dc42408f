#include "app/widgets/hint_line.h"

#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>

namespace kinora::app {

constexpr int kFewestLinkPixels = 160;

HintLine::HintLine(const Theme& theme, QWidget* parent)
    : QWidget(parent), m_text(makeLabel({}, "second", "small")), m_link(new QPushButton) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(theme.measure("gap"));
    m_text->setWordWrap(true);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_text->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_link->setProperty("link", true);
    m_link->setCursor(Qt::PointingHandCursor);
    layout->addWidget(m_text);
    layout->addWidget(m_link, 0, Qt::AlignLeft);
    connect(m_link, &QPushButton::clicked, this, [this] {
        const auto action = m_action; // the action may say something else
        if (action) action();
    });
    hide();
}

void HintLine::say(const QString& text, const QString& actionText, std::function<void()> action) {
    m_text->setText(text);
    m_actionText = actionText;
    m_action = std::move(action);
    m_link->setAccessibleName(actionText);
    m_link->setVisible(!actionText.isEmpty());
    elide();
    setVisible(!text.isEmpty());
}

QString HintLine::text() const {
    return isHidden() ? QString() : m_text->text();
}

void HintLine::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    elide();
}

// Long subjects: the link is never what makes a panel wide.
void HintLine::elide() {
    const int room = std::max(kFewestLinkPixels, width() - 8);
    const QString shown = m_link->fontMetrics().elidedText(m_actionText, Qt::ElideMiddle, room);
    if (shown == m_link->text()) return;
    m_link->setText(shown);
    m_link->setToolTip(shown == m_actionText ? QString() : m_actionText);
}

} // namespace kinora::app
