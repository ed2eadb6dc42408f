#include "core/engine/speed_cache.h"

#include "core/media/publish_file.h"
#include "kernels/base/error.h"
#include "kernels/base/log.h"

#include <QFile>
#include <nlohmann/json.hpp>

#include <span>
#include <string_view>
#include <utility>

namespace kinora::core {

SpeedCache::SpeedCache(std::filesystem::path file) : m_file(std::move(file)) {
    load();
}

pipelines::DeviceSpeed SpeedCache::get(const std::string& key, const kernels::BackendTable& backend,
                                       int threads, kernels::DType compute, Remember remember) {
    const std::string full = key + "|" + backend.name + "|" + std::to_string(threads) + "|" +
                             std::string(kernels::dtypeName(compute));
    if (const auto known = m_speeds.find(full); known != m_speeds.end()) return known->second;
    kernels::Device device(backend, {.threads = threads});
    const pipelines::DeviceSpeed speed = pipelines::measureSpeed(device, compute);
    if (remember == Remember::Yes) {
        m_speeds.emplace(full, speed);
        save();
    }
    return speed;
}

void SpeedCache::load() {
    constexpr qint64 kLargest = 1 << 20;
    if (m_file.empty()) return;
    QFile file(QString::fromStdString(m_file.string()));
    if (!file.open(QIODevice::ReadOnly) || file.size() > kLargest) return;
    const QByteArray bytes = file.readAll();
    try {
        const auto json = nlohmann::json::parse(bytes.begin(), bytes.end());
        for (const auto& [key, value] : json.items())
            m_speeds.emplace(key, pipelines::deviceSpeedFromJson(value));
    } catch (const std::exception& error) {
        logMessage(LogLevel::Info, std::string("Device speeds are measured anew: ") + error.what());
        m_speeds.clear();
    }
}

void SpeedCache::save() const {
    if (m_file.empty()) return;
    nlohmann::json json = nlohmann::json::object();
    for (const auto& [key, speed] : m_speeds) json[key] = pipelines::toJson(speed);
    std::error_code ignored; // a cache that cannot be written costs a tenth of a second next time
    std::filesystem::create_directories(m_file.parent_path(), ignored);
    const std::string text = json.dump(1);
    const Result<void> written =
        publishFile(std::as_bytes(std::span(text)), m_file, Overwrite::Yes);
    if (!written) logMessage(LogLevel::Debug, written.error().message());
}

} // namespace kinora::core
