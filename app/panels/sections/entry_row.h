#pragma once
// One file of a section: what it is, with a button that takes it away (so does Delete), and below
// what can be set of it. Its content follows the document; its place in the list stays.

#include <QFrame>

#include <vector>

class QLabel;
class QToolButton;
class QVBoxLayout;

namespace kinora::app {

class CompanionBox;
class Theme;

class EntryRow : public QFrame {
    Q_OBJECT
  public:
    // noun: "LoRA", for the names of its parts.
    EntryRow(const Theme& theme, const QString& noun, CompanionBox* file);

    virtual void refresh() = 0;
    // In the order of Tab.
    std::vector<QWidget*> stops() const;
    QWidget* firstStop() const;
    QString problem() const;

  signals:
    void removeWanted();

  protected:
    CompanionBox* file() const { return m_file; }
    QVBoxLayout* content() const { return m_content; }
    void addStop(QWidget* widget) { m_stops.push_back(widget); }
    // Of this entry alone; empty: none.
    void say(const QString& problem);
    bool event(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

  private:
    CompanionBox* m_file;
    QToolButton* m_remove;
    QVBoxLayout* m_content;
    QLabel* m_problem;
    std::vector<QWidget*> m_stops;
};

} // namespace kinora::app
