#pragma once
// Small buttons of which at most one is chosen, or any number, in as many lines as they need. Tab
// goes into the group once; arrows, Home and End move inside; Space and Enter choose.
//
//     chips->setChips({"3d emoji", "flat emoji"});
//     connect(chips, &ChipRow::picked, ...);  // "" where the chosen one was taken back
//     connect(chips, &ChipRow::toggled, ...); // with Choose::Any

#include <QWidget>

class QToolButton;

namespace kinora::app {

class Theme;

class ChipRow : public QWidget {
    Q_OBJECT
  public:
    enum class Choose { One, Any };
    explicit ChipRow(const Theme& theme, Choose choose = Choose::One, QWidget* parent = nullptr);

    // Where Tab comes from; for the chips that are set after this.
    void setTabAfter(QWidget* widget) { m_tabAfter = widget; }
    void setChips(const QStringList& texts); // none is chosen then
    QStringList chips() const;
    // Shows it, and says nothing. A text that is no chip's: none is chosen.
    void setChosen(const QString& text);
    void setChosen(const QStringList& texts);
    QString chosen() const; // the first one

  signals:
    void picked(const QString& text); // by a person
    void toggled(const QString& text, bool chosen);

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    void makeTabStop(qsizetype index);

    Choose m_choose;
    QList<QToolButton*> m_chips;
    QWidget* m_tabAfter = nullptr;
};

} // namespace kinora::app
