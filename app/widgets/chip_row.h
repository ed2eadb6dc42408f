#pragma once
// Small buttons of which at most one is chosen, in as many lines as they need. Tab goes into the
// group once; arrows, Home and End move inside; Space and Enter choose.
//
//     chips->setChips({"3d emoji", "flat emoji"});
//     connect(chips, &ChipRow::picked, ...);  // "" where the chosen one was taken back

#include <QWidget>

class QToolButton;

namespace kinora::app {

class Theme;

class ChipRow : public QWidget {
    Q_OBJECT
  public:
    explicit ChipRow(const Theme& theme, QWidget* parent = nullptr);

    // Where Tab comes from; for the chips that are set after this.
    void setTabAfter(QWidget* widget) { m_tabAfter = widget; }
    void setChips(const QStringList& texts); // none is chosen then
    // Shows it, and says nothing. A text that is no chip's: none is chosen.
    void setChosen(const QString& text);
    QString chosen() const;

  signals:
    void picked(const QString& text); // by a person

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    void makeTabStop(qsizetype index);

    QList<QToolButton*> m_chips;
    QWidget* m_tabAfter = nullptr;
};

} // namespace kinora::app
