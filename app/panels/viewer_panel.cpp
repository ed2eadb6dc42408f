#include "app/panels/viewer_panel.h"

#include "app/models/gallery_model.h"
#include "app/widgets/elided_label.h"
#include "app/widgets/image_canvas.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QAction>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>
#include <QVBoxLayout>

namespace kinora::app {

ViewerPanel::ViewerPanel(const Theme& theme, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_canvas(new ImageCanvas(theme)),
      m_notice(new NoticeBar(theme, Qt::Horizontal)), m_bar(new QWidget),
      m_barLayout(new QHBoxLayout(m_bar)), m_zoom(makeLabel({}, "second")),
      m_about(new ElidedLabel) {
    setProperty("surface", "panel");
    setAttribute(Qt::WA_StyledBackground);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_canvas, 1);
    layout->addWidget(m_notice);
    layout->addWidget(m_bar);
    const int gap = theme.measure("gap");
    m_barLayout->setContentsMargins(gap, gap, gap, gap);
    m_barLayout->setSpacing(gap);
    m_zoom->setFixedWidth(QFontMetrics(font()).horizontalAdvance("0000 %") + gap);
    m_zoom->setAccessibleName("Zoom");
    QToolButton* fit = makeIconButton(theme, "fit", "Fit the window", "0");
    auto* actual = new QToolButton;
    actual->setText("1:1");
    actual->setToolTip("Each pixel as it is (1)");
    actual->setAccessibleName("100 %");
    actual->setFocusPolicy(Qt::TabFocus);
    connect(fit, &QToolButton::clicked, m_canvas, &ImageCanvas::zoomToFit);
    connect(actual, &QToolButton::clicked, m_canvas, &ImageCanvas::zoomToActual);
    m_barLayout->addWidget(fit);
    m_barLayout->addWidget(actual);
    m_barLayout->addSpacing(gap);
    m_barLayout->addWidget(m_zoom);
    m_about->setProperty("tone", "second");
    m_barLayout->addWidget(m_about, 1);
    m_canvas->setEmptyText("No picture yet",
                           "Say on the left what it shows, then press Generate (Ctrl+Enter).");
    connect(m_canvas, &ImageCanvas::zoomChanged, this, &ViewerPanel::showZoom);
    showZoom();
}

void ViewerPanel::addBarAction(QAction* action) {
    auto* button = new QToolButton;
    button->setDefaultAction(action);
    button->setToolButtonStyle(Qt::ToolButtonIconOnly);
    button->setIconSize(QSize(m_theme.measure("icon"), m_theme.measure("icon")));
    button->setProperty("iconOnly", true);
    button->setAccessibleName(action->text().remove('&'));
    button->setFocusPolicy(Qt::TabFocus);
    m_barLayout->addWidget(button);
}

QWidget* ViewerPanel::orderFocus(QWidget* before) {
    QWidget* last = before;
    QWidget::setTabOrder(last, m_canvas);
    last = m_canvas;
    for (int i = 0; i < m_barLayout->count(); ++i) {
        QWidget* widget = m_barLayout->itemAt(i)->widget();
        if (widget == nullptr || !(widget->focusPolicy() & Qt::TabFocus)) continue;
        QWidget::setTabOrder(last, widget);
        last = widget;
    }
    return last;
}

void ViewerPanel::setBarVisible(bool visible) {
    m_bar->setVisible(visible);
}

void ViewerPanel::showItem(const GalleryItem* item) {
    if (item == nullptr) {
        m_canvas->setPicture({}, {});
        m_about->setText({});
        showZoom();
        return;
    }
    QImage image = item->image;
    if (image.isNull()) image = item->done ? item->thumbnail : item->preview;
    const QSize size = item->size.isEmpty() ? image.size() : item->size;
    m_canvas->setPicture(image, image.isNull() ? QSize() : size);
    QString about;
    if (!size.isEmpty()) about = QString("%1 \u00d7 %2").arg(size.width()).arg(size.height());
    if (item->provenance && item->provenance->request.seed)
        about += QString("   seed %1").arg(*item->provenance->request.seed);
    m_about->setText(about);
    showZoom();
}

void ViewerPanel::showZoom() {
    m_zoom->setText(m_canvas->isEmpty() ? QString()
                                        : QString("%1 %").arg(qRound(m_canvas->zoom() * 100)));
}

} // namespace kinora::app
