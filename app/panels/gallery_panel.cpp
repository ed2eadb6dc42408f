#include "app/panels/gallery_panel.h"

#include "app/models/gallery_model.h"
#include "app/panels/gallery_delegate.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QItemSelectionModel>
#include <QLabel>
#include <QListView>
#include <QVBoxLayout>

#include <algorithm>
#include <functional>

namespace kinora::app {
namespace {

// Dragging is the window's business: it knows the file behind a tile.
class TileView : public QListView {
  public:
    explicit TileView(std::function<void()> dragOut) : m_dragOut(std::move(dragOut)) {}

  protected:
    void startDrag(Qt::DropActions) override { m_dragOut(); }

  private:
    std::function<void()> m_dragOut;
};

} // namespace

GalleryPanel::GalleryPanel(const Theme& theme, GalleryModel& model, QWidget* parent)
    : QWidget(parent), m_model(model), m_view(new TileView([this] { emit dragOutWanted(); })),
      m_empty(makeLabel("Pictures appear here.", "second")) {
    setProperty("surface", "panel");
    setAttribute(Qt::WA_StyledBackground);
    const int gap = theme.measure("gap");
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(gap, gap, 0, gap);
    layout->setSpacing(0);
    m_empty->setWordWrap(true);
    m_empty->setContentsMargins(gap, gap, gap, gap);
    layout->addWidget(m_empty);
    layout->addWidget(m_view, 1);
    m_view->setModel(&model);
    m_view->setItemDelegate(new GalleryDelegate(theme, m_view));
    m_view->setViewMode(QListView::IconMode);
    m_view->setMovement(QListView::Static);
    m_view->setResizeMode(QListView::Adjust);
    m_view->setUniformItemSizes(true);
    m_view->setSelectionMode(QAbstractItemView::SingleSelection);
    m_view->setDragEnabled(true);
    m_view->setDragDropMode(QAbstractItemView::DragOnly);
    m_view->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    m_view->setContextMenuPolicy(Qt::CustomContextMenu);
    m_view->setAccessibleName("Pictures");
    m_view->setMouseTracking(true);
    connect(m_view->selectionModel(), &QItemSelectionModel::currentChanged, this, [this] {
        const int id = currentId();
        emit currentChanged(id);
        if (!m_byCode) emit picked(id);
    });
    connect(&theme, &Theme::changed, m_view->viewport(), qOverload<>(&QWidget::update));
    const auto showEmpty = [this] {
        const bool empty = m_model.rowCount() == 0;
        m_empty->setVisible(empty);
        m_view->setFocusPolicy(empty ? Qt::NoFocus : Qt::StrongFocus); // Tab passes over nothing
    };
    showEmpty();
    connect(&model, &QAbstractItemModel::rowsInserted, this, showEmpty);
    connect(&model, &QAbstractItemModel::rowsRemoved, this, showEmpty);
    setMinimumWidth(theme.measure("tile") + 6 * gap);
}

int GalleryPanel::currentId() const {
    const GalleryItem* item = m_model.itemAt(m_view->currentIndex().row());
    return item == nullptr ? 0 : item->id;
}

void GalleryPanel::setCurrentId(int id) {
    const int row = m_model.rowOf(id);
    if (row < 0) return;
    m_byCode = true;
    m_view->setCurrentIndex(m_model.index(row));
    m_view->scrollTo(m_model.index(row));
    m_byCode = false;
}

void GalleryPanel::step(int offset) {
    if (m_model.rowCount() == 0) return;
    const int now = std::max(m_view->currentIndex().row(), 0);
    m_view->setCurrentIndex(m_model.index(std::clamp(now + offset, 0, m_model.rowCount() - 1)));
}

} // namespace kinora::app
