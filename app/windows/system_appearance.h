#pragma once
// Whether the desktop prefers dark: asked of the settings portal on D-Bus, followed while the
// window lives. Silent where there is no portal.

#include <QDBusVariant>
#include <QObject>

#include <optional>

namespace kinora::app {

class SystemAppearance : public QObject {
    Q_OBJECT
  public:
    explicit SystemAppearance(QObject* parent = nullptr);

    // Asks; the answer comes by darkChanged, some milliseconds later or never.
    void start();

  signals:
    void darkChanged(bool dark);

  private slots:
    void settingChanged(const QString& group, const QString& key, const QDBusVariant& value);

  private:
    void take(const QVariant& value);
};

// The portal's color-scheme: 1 dark, 2 light, 0 no preference (nullopt, as is anything else). The
// value may be wrapped in variants.
std::optional<bool> darkFromColorScheme(QVariant value);

} // namespace kinora::app
