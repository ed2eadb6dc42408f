#pragma once
// The seed: empty and unlocked each picture draws its own; the dice draws one and keeps it; the
// lock keeps the one that was used last.

#include <QWidget>

#include <cstdint>
#include <optional>

class QLabel;
class QLineEdit;
class QToolButton;

namespace kinora::pipelines {
struct Parameter;
}

namespace kinora::app {

class ParameterLabel;
class RequestDocument;
class Theme;

class SeedField : public QWidget {
    Q_OBJECT
  public:
    SeedField(const Theme& theme, RequestDocument& document, QWidget* parent = nullptr);

    // Of the picture that was made last: what the lock keeps.
    void setLastSeed(int64_t seed);
    QString error() const;

  private:
    void refresh();
    void commit(const QString& text);

    const Theme& m_theme;
    RequestDocument& m_document;
    const pipelines::Parameter& m_parameter;
    ParameterLabel* m_label;
    QLineEdit* m_edit;
    QToolButton* m_dice;
    QToolButton* m_lock;
    QLabel* m_error;
    std::optional<int64_t> m_lastSeed;
};

} // namespace kinora::app
