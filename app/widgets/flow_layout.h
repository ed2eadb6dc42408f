#pragma once
// Lays widgets out in lines, left to right, as words of a text: what does not fit goes to the next.

#include <QLayout>

namespace kinora::app {

class FlowLayout : public QLayout {
    Q_OBJECT
  public:
    // spacing: between neighbours and between lines, px. No margins.
    explicit FlowLayout(int spacing, QWidget* parent = nullptr);
    ~FlowLayout() override;

    void addItem(QLayoutItem* item) override { m_items << item; }
    int count() const override { return static_cast<int>(m_items.size()); }
    QLayoutItem* itemAt(int index) const override { return m_items.value(index); }
    QLayoutItem* takeAt(int index) override;
    Qt::Orientations expandingDirections() const override { return {}; }
    bool hasHeightForWidth() const override { return true; }
    int heightForWidth(int width) const override { return place({0, 0, width, 0}, false); }
    QSize sizeHint() const override { return minimumSize(); }
    QSize minimumSize() const override;
    void setGeometry(const QRect& room) override;

  private:
    int place(const QRect& room, bool move) const; // the height that it takes

    QList<QLayoutItem*> m_items;
};

} // namespace kinora::app
