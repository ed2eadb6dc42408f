#pragma once
// A long list that opens below a field and is searched as one types: a line to type in, and the
// rows that have all of the typed words in their text or in what else they are found by. Up, Down,
// PageUp and PageDown move, Enter or a click choose, Esc closes. Thousands of rows do not slow it.
//
//     popup->setRows(rows);
//     popup->popUp(*button, "ink");     // opens with that typed already

#include <QFrame>
#include <QString>

#include <vector>

class QLabel;
class QLineEdit;
class QListView;
class QModelIndex;

namespace kinora::app {

class SearchRows;
class Theme;

struct SearchRow {
    QString text;
    QString note;    // quietly beside it; may be empty
    QString foundBy; // searched besides the text
    QString toolTip;
    bool enabled = true; // false: shown, never chosen
};

class SearchPopup : public QFrame {
    Q_OBJECT
  public:
    SearchPopup(const Theme& theme, const QString& placeholder, QWidget* parent);

    void setRows(std::vector<SearchRow> rows);
    // As wide as the field at least, below it or, where there is no room, above. current: a row
    // that is chosen now; -1: none.
    void popUp(const QWidget& field, const QString& typed = {}, int current = -1);
    QLineEdit* field() const { return m_field; }
    QListView* list() const { return m_list; }

  signals:
    void chosen(int row); // of setRows()

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    void search();
    void move(int by);
    void choose(const QModelIndex& index);

    const Theme& m_theme;
    QLineEdit* m_field;
    QListView* m_list;
    QLabel* m_none; // instead of an empty list
    SearchRows* m_rows;
};

} // namespace kinora::app
