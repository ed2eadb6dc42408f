#include "app/windows/window_settings.h"

#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace kinora::app {

constexpr int kLongestRequest = 1 << 20;
constexpr std::array kWhenClosedNames{
    std::pair{WhenClosed::Ask, "ask"}, std::pair{WhenClosed::GoOn, "go-on"},
    std::pair{WhenClosed::FinishThis, "finish-this"}, std::pair{WhenClosed::StopNow, "stop-now"}};

WindowSettings::WindowSettings(const std::filesystem::path& dataFolder)
    : m_settings(QString::fromStdString((dataFolder / "window.ini").string()),
                 QSettings::IniFormat) {}

QByteArray WindowSettings::geometry() const {
    return m_settings.value("geometry").toByteArray();
}

QByteArray WindowSettings::layout() const {
    return m_settings.value("layout").toByteArray();
}

void WindowSettings::setPlace(const QByteArray& geometry, const QByteArray& layout) {
    m_settings.setValue("geometry", geometry);
    m_settings.setValue("layout", layout);
}

ThemeChoice WindowSettings::theme() const {
    const QString name = m_settings.value("theme").toString();
    if (name == "dark") return ThemeChoice::Dark;
    return name == "light" ? ThemeChoice::Light : ThemeChoice::System;
}

void WindowSettings::setTheme(ThemeChoice choice) {
    m_settings.setValue("theme", choice == ThemeChoice::Dark    ? "dark"
                                 : choice == ThemeChoice::Light ? "light"
                                                                : "system");
}

bool WindowSettings::systemDark() const {
    return m_settings.value("systemDark", true).toBool();
}

void WindowSettings::setSystemDark(bool dark) {
    m_settings.setValue("systemDark", dark);
}

std::optional<pipelines::ImageRequest> WindowSettings::request() const {
    const QByteArray text = m_settings.value("request").toByteArray();
    if (text.isEmpty() || text.size() > kLongestRequest) return std::nullopt;
    try {
        const auto json = nlohmann::json::parse(text.begin(), text.end());
        return pipelines::imageRequestFromJson(json);
    } catch (const std::exception&) { // an old or damaged file: start afresh
        return std::nullopt;
    }
}

void WindowSettings::setRequest(const pipelines::ImageRequest& request) {
    const std::string text =
        pipelines::toJson(request).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    m_settings.setValue("request", QByteArray::fromStdString(text));
}

WhenClosed WindowSettings::whenClosed() const {
    const QString name = m_settings.value("whenClosed").toString();
    for (const auto& [choice, known] : kWhenClosedNames)
        if (name == QLatin1String(known)) return choice;
    return WhenClosed::Ask;
}

void WindowSettings::setWhenClosed(WhenClosed choice) {
    for (const auto& [known, name] : kWhenClosedNames)
        if (choice == known) m_settings.setValue("whenClosed", name);
}

bool WindowSettings::pauseOnBattery() const {
    return m_settings.value("pauseOnBattery", false).toBool();
}

void WindowSettings::setPauseOnBattery(bool pause) {
    m_settings.setValue("pauseOnBattery", pause);
}

bool WindowSettings::pauseWhenHot() const {
    return m_settings.value("pauseWhenHot", false).toBool();
}

void WindowSettings::setPauseWhenHot(bool pause) {
    m_settings.setValue("pauseWhenHot", pause);
}

QString WindowSettings::saveFolder() const {
    return m_settings.value("saveFolder").toString();
}

void WindowSettings::setSaveFolder(const QString& folder) {
    m_settings.setValue("saveFolder", folder);
}

} // namespace kinora::app
