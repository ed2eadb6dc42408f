#pragma once
// A header that folds away what is below it.

#include <QWidget>

class QToolButton;
class QVBoxLayout;

namespace kinora::app {

class Theme;

class FoldSection : public QWidget {
    Q_OBJECT
  public:
    FoldSection(const Theme& theme, const QString& title, QWidget* parent = nullptr);

    QVBoxLayout* content() const { return m_contentLayout; }
    bool isOpen() const;
    void setOpen(bool open);
    // Some words beside the title while it is folded: that something in it was changed, say.
    void setHint(const QString& hint);
    QString hint() const { return m_hint; }
    // Something in it is wrong: said inside, seen on the header.
    void setProblem(bool problem);
    QToolButton* header() const { return m_header; }

  signals:
    void toggled(bool open);

  protected:
    void resizeEvent(QResizeEvent* event) override;

  private:
    void showHeader();

    const Theme& m_theme;
    QString m_title;
    QString m_hint;
    QToolButton* m_header;
    QWidget* m_content;
    QVBoxLayout* m_contentLayout;
};

} // namespace kinora::app
