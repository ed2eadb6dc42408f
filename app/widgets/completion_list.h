#pragma once
// What a text field may go on with: a short list below the place where it is typed, and the field
// keeps the focus. Up and Down move, Enter, Tab or a click choose, Esc closes; all else goes to the
// field. It closes by itself where the field loses the focus or the cursor goes elsewhere.

#include <QListView>

class QPlainTextEdit;
class QStandardItemModel;

namespace kinora::app {

class Theme;

class CompletionList : public QListView {
    Q_OBJECT
  public:
    struct Row {
        QString text;
        QString note; // quietly beside it; may be empty
    };
    // edit: stays longer than the list.
    CompletionList(const Theme& theme, QPlainTextEdit& edit);

    // Below the character at this place of the field's text, or above where there is more room. The
    // first is current. No rows: it closes.
    void offer(const QList<Row>& rows, int place);
    void close();

  signals:
    void chosen(const QString& text);

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    bool takeKey(int key);
    void move(int by);
    void choose(const QModelIndex& index);
    void putAt(int place);

    const Theme& m_theme;
    QPlainTextEdit& m_edit;
    QStandardItemModel* m_rows;
};

} // namespace kinora::app
