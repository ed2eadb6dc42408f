#include "app/widgets/fold_section.h"

#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QToolButton>
#include <QVBoxLayout>

namespace kinora::app {

FoldSection::FoldSection(const Theme& theme, const QString& title, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_title(title), m_header(new QToolButton),
      m_content(new QWidget), m_contentLayout(new QVBoxLayout(m_content)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(theme.measure("gap"));
    m_header->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_header->setIconSize(QSize(theme.measure("icon"), theme.measure("icon")));
    m_header->setCheckable(true);
    m_header->setFocusPolicy(Qt::StrongFocus);
    m_header->setAccessibleName(title);
    m_header->setProperty("fold", true);
    m_header->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed); // long hints are cut
    m_contentLayout->setContentsMargins(0, 0, 0, 0);
    m_contentLayout->setSpacing(theme.measure("group"));
    m_content->hide();
    layout->addWidget(m_header);
    layout->addWidget(m_content);
    connect(m_header, &QToolButton::toggled, this, [this](bool open) {
        m_content->setVisible(open);
        showHeader();
        emit toggled(open);
    });
    showHeader();
}

bool FoldSection::isOpen() const {
    return m_header->isChecked();
}

void FoldSection::setOpen(bool open) {
    m_header->setChecked(open);
}

void FoldSection::setHint(const QString& hint) {
    m_hint = hint;
    showHeader();
}

void FoldSection::setProblem(bool problem) {
    setStyleProperty(m_header, "tone", problem ? "error" : "");
}

void FoldSection::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    showHeader();
}

void FoldSection::showHeader() {
    m_header->setIcon(m_theme.icon(isOpen() ? "chevron-down" : "chevron-right", "secondText"));
    const QString text =
        m_hint.isEmpty() || isOpen() ? m_title : m_title + " " + QChar(0x00b7) + " " + m_hint;
    m_header->setAccessibleDescription(isOpen() ? QString() : m_hint);
    const int room = width() - m_header->iconSize().width() - 16;
    m_header->setText(isVisible() ? m_header->fontMetrics().elidedText(text, Qt::ElideRight, room)
                                  : text);
    m_header->setToolTip(isOpen() ? "Fold" : "Unfold");
}

} // namespace kinora::app
