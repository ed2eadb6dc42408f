#pragma once
// A text field that grows with its text between two numbers of lines and then scrolls. Tab leaves
// it; Ctrl+Enter and what is not text (files, pictures) go to the window.

#include <QPlainTextEdit>

namespace kinora::app {

class GrowingTextEdit : public QPlainTextEdit {
    Q_OBJECT
  public:
    GrowingTextEdit(int fewestLines, int mostLines, QWidget* parent = nullptr);

    // Replaces the text where it differs, with the cursor left where the change ends.
    void replaceText(const QString& text);
    int heightFor(int lines) const;

  protected:
    bool event(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool canInsertFromMimeData(const QMimeData* source) const override;
    void insertFromMimeData(const QMimeData* source) override;

  private:
    void adjustHeight();

    int m_fewestLines;
    int m_mostLines;
};

} // namespace kinora::app
