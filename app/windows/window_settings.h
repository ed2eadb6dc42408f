#pragma once
// What the window remembers between starts, in window.ini of the data folder: sizes and places of
// its parts, the theme, the request that was last edited, and what the queue may do by itself.

#include "app/widgets/theme.h"
#include "pipelines/request/image_request.h"

#include <QByteArray>
#include <QSettings>

#include <filesystem>
#include <optional>

namespace kinora::app {

// What becomes of the work when the window is closed while there is some.
enum class WhenClosed { Ask, GoOn, FinishThis, StopNow };

class WindowSettings {
  public:
    explicit WindowSettings(const std::filesystem::path& dataFolder);

    QByteArray geometry() const;
    QByteArray layout() const;
    void setPlace(const QByteArray& geometry, const QByteArray& layout);
    ThemeChoice theme() const;
    void setTheme(ThemeChoice choice);
    bool systemDark() const; // as it was last time, so that the first frame is right
    void setSystemDark(bool dark);
    // nullopt at the first start, or where the file was damaged.
    std::optional<pipelines::ImageRequest> request() const;
    void setRequest(const pipelines::ImageRequest& request);
    WhenClosed whenClosed() const;
    void setWhenClosed(WhenClosed choice);
    bool pauseOnBattery() const;
    void setPauseOnBattery(bool pause);
    bool pauseWhenHot() const;
    void setPauseWhenHot(bool pause);
    QString saveFolder() const; // where Save as was last used
    void setSaveFolder(const QString& folder);

  private:
    QSettings m_settings;
};

} // namespace kinora::app
