#include "app/widgets/notice_bar.h"

#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>

namespace kinora::app {

NoticeBar::NoticeBar(const Theme& theme, Qt::Orientation orientation, QWidget* parent)
    : QFrame(parent), m_theme(theme), m_icon(new QLabel), m_text(makeLabel({})),
      m_action(new QPushButton), m_close(makeIconButton(theme, "close", "Dismiss")) {
    setProperty("surface", "notice");
    const int gap = theme.measure("gap");
    auto* layout = new QGridLayout(this);
    layout->setContentsMargins(2 * gap, gap, gap, gap);
    layout->setHorizontalSpacing(2 * gap);
    layout->setVerticalSpacing(gap);
    m_text->setWordWrap(true);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_text->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    layout->addWidget(m_icon, 0, 0, Qt::AlignTop);
    layout->addWidget(m_text, 0, 1, Qt::AlignVCenter);
    layout->addWidget(m_close, 0, 3, Qt::AlignTop);
    if (orientation == Qt::Horizontal)
        layout->addWidget(m_action, 0, 2);
    else
        layout->addWidget(m_action, 1, 1, Qt::AlignLeft);
    layout->setColumnStretch(1, 1);
    m_icon->setFixedSize(theme.measure("icon"), theme.measure("control"));
    connect(m_close, &QToolButton::clicked, this, &NoticeBar::dismiss);
    connect(m_action, &QPushButton::clicked, this, [this] {
        const auto action = m_onAction; // the action may show another notice
        dismiss();
        if (action) action();
    });
    hide();
}

void NoticeBar::showNotice(NoticeTone tone, const QString& text) {
    showNotice(tone, text, {}, {});
}

void NoticeBar::showNotice(NoticeTone tone, const QString& text, const QString& actionText,
                           std::function<void()> action) {
    const QString name = tone == NoticeTone::Error     ? "error"
                         : tone == NoticeTone::Warning ? "warning"
                                                       : "info";
    const QString color = tone == NoticeTone::Info ? "secondText" : name;
    m_icon->setPixmap(m_theme.icon(name, color).pixmap(m_theme.measure("icon")));
    m_text->setText(text);
    m_action->setText(actionText);
    m_action->setVisible(!actionText.isEmpty());
    m_onAction = std::move(action);
    setAccessibleName(text);
    show();
}

QString NoticeBar::text() const {
    return isHidden() ? QString() : m_text->text();
}

void NoticeBar::dismiss() {
    m_onAction = {};
    hide();
}

} // namespace kinora::app
