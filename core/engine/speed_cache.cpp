#include "core/engine/speed_cache.h"

#include "core/media/publish_file.h"
#include "kernels/base/error.h"
#include "kernels/base/log.h"

#include <QFile>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

namespace kinora::core {

namespace {

std::string fullKey(const std::string& key, const kernels::BackendTable& backend, int threads,
                    kernels::DType compute) {
    return key + "|" + backend.name + "|" + std::to_string(threads) + "|" +
           std::string(kernels::dtypeName(compute));
}

bool areAlike(const pipelines::DeviceSpeed& a, const pipelines::DeviceSpeed& b) {
    constexpr double kSlight = 1.05;
    return std::ranges::equal(a.corrections, b.corrections, [](double one, double other) {
        return one < other * kSlight && other < one * kSlight;
    });
}

} // namespace

SpeedCache::SpeedCache(std::filesystem::path file)
    : m_file(std::move(file)), m_speeds(stored()), m_saved(m_speeds) {}

pipelines::DeviceSpeed SpeedCache::get(const std::string& key, const kernels::BackendTable& backend,
                                       int threads, kernels::DType compute, Remember remember) {
    const std::string full = fullKey(key, backend, threads, compute);
    if (const auto known = m_speeds.find(full); known != m_speeds.end()) return known->second;
    kernels::Device device(backend, {.threads = threads});
    const pipelines::DeviceSpeed speed = pipelines::measureSpeed(device, compute);
    if (remember == Remember::Yes) {
        m_speeds.emplace(full, speed);
        save();
    }
    return speed;
}

void SpeedCache::learn(const std::string& key, const kernels::BackendTable& backend, int threads,
                       kernels::DType compute, const pipelines::ClassTimes& times) {
    const auto known = m_speeds.find(fullKey(key, backend, threads, compute));
    if (known == m_speeds.end()) return;
    known->second = pipelines::learnt(known->second, times);
    const auto saved = m_saved.find(known->first);
    if (saved == m_saved.end() || !areAlike(saved->second, known->second)) save();
}

SpeedCache::Speeds SpeedCache::stored() const {
    constexpr qint64 kLargest = 1 << 20;
    if (m_file.empty()) return {};
    QFile file(QString::fromStdString(m_file.string()));
    if (!file.open(QIODevice::ReadOnly) || file.size() > kLargest) return {};
    const QByteArray bytes = file.readAll();
    try {
        Speeds speeds;
        const auto json = nlohmann::json::parse(bytes.begin(), bytes.end());
        for (const auto& [key, value] : json.items())
            speeds.emplace(key, pipelines::deviceSpeedFromJson(value));
        return speeds;
    } catch (const std::exception& error) {
        logMessage(LogLevel::Info, std::string("Device speeds are measured anew: ") + error.what());
        return {};
    }
}

void SpeedCache::save() {
    m_saved = m_speeds;
    if (m_file.empty()) return;
    m_speeds.merge(stored()); // other processes know of other devices and threads
    nlohmann::json json = nlohmann::json::object();
    for (const auto& [key, speed] : m_speeds) json[key] = pipelines::toJson(speed);
    std::error_code ignored; // a cache that cannot be written is measured again next time
    std::filesystem::create_directories(m_file.parent_path(), ignored);
    const std::string text = json.dump(1);
    const Result<void> written =
        publishFile(std::as_bytes(std::span(text)), m_file, Overwrite::Yes);
    if (!written) logMessage(LogLevel::Debug, written.error().message());
}

} // namespace kinora::core
