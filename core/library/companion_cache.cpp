#include "core/library/companion_cache.h"

#include "core/library/file_stamp.h"
#include "core/media/bounded_json.h"
#include "core/media/publish_file.h"
#include "core/media/text_encoding.h"
#include "kernels/base/log.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

namespace kinora::core {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// To be raised whenever a reader tells more of a file, or something else, than before.
constexpr int kFormat = 1;
constexpr size_t kMostEntries = 30'000, kMostCacheBytes = 15U << 20; // as parseBoundedJson takes
constexpr size_t kMostWords = 16, kLongestText = 4096;
constexpr size_t kMostThreads = 4; // opening files waits for disks more than it computes

std::string keyOf(const fs::path& file) {
    std::error_code error;
    const fs::path whole = fs::absolute(file, error);
    return (error ? file : whole).lexically_normal().string();
}

// What is told of the file may change while the file does not: the readers look for a config beside
// it, or for the encoder beside a decoder, which may be damaged or not whole yet.
bool dependsOnNeighbours(const fs::path& file) {
    const std::string name = file.filename().string();
    return name.starts_with("diffusion_pytorch_model") || name.find("decoder") != std::string::npos;
}

std::optional<std::string> textOf(const json& value) {
    if (!value.is_string()) return std::nullopt;
    const std::string& text = value.get_ref<const std::string&>();
    return text.size() <= kLongestText ? std::optional(text) : std::nullopt;
}

// ["LoRA", "SDXL", "title", "licence", ["word", ...]]; nullopt for anything else.
std::optional<CompanionInfo> infoFrom(const json& value) {
    if (!value.is_array() || value.size() != 5 || !value[4].is_array() ||
        value[4].size() > kMostWords)
        return std::nullopt;
    CompanionInfo info;
    std::string* const texts[] = {&info.kind, &info.family, &info.title, &info.licence};
    for (size_t i = 0; i < std::size(texts); ++i) {
        std::optional<std::string> text = textOf(value[i]);
        if (!text) return std::nullopt;
        *texts[i] = *std::move(text);
    }
    if (info.kind.empty()) return std::nullopt;
    for (const json& word : value[4]) {
        std::optional<std::string> text = textOf(word);
        if (!text) return std::nullopt;
        info.triggerWords.push_back(*std::move(text));
    }
    return info;
}

json toJson(const CompanionInfo& info) {
    return {info.kind, info.family, info.title, info.licence, info.triggerWords};
}

} // namespace

CompanionCache::CompanionCache(fs::path cacheFile)
    : m_cacheFile(std::move(cacheFile)), m_entries(load(m_cacheFile)) {}

// {"format": 1, "files": {"/path": {"stamp": "...", "is": [...] or null}}}
CompanionCache::Entries CompanionCache::load(const fs::path& cacheFile) {
    Entries entries;
    std::error_code error;
    const uintmax_t size = cacheFile.empty() ? 0 : fs::file_size(cacheFile, error);
    if (error || size == 0 || size > kMostCacheBytes) return entries;
    std::ifstream file(cacheFile, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const Result<json> parsed = parseBoundedJson(text);
    if (!parsed || !parsed->is_object()) return entries;
    const auto format = parsed->find("format"), files = parsed->find("files");
    if (format == parsed->end() || *format != kFormat || files == parsed->end() ||
        !files->is_object() || files->size() > kMostEntries)
        return entries;
    for (const auto& [path, value] : files->items()) {
        const auto stamp = value.is_object() ? value.find("stamp") : value.end();
        const auto is = value.is_object() ? value.find("is") : value.end();
        if (!value.is_object() || stamp == value.end() || is == value.end()) continue;
        const std::optional<std::string> stampText = textOf(*stamp);
        std::optional<CompanionInfo> info = infoFrom(*is);
        if (stampText && (info || is->is_null()))
            entries[path] = {*stampText, std::move(info), true};
    }
    return entries;
}

const CompanionCache::Entry* CompanionCache::find(const std::string& key,
                                                  const std::string& stamp) const {
    const auto found = m_entries.find(key);
    const bool isIt = !stamp.empty() && found != m_entries.end() && found->second.stamp == stamp;
    return isIt ? &found->second : nullptr;
}

void CompanionCache::read(std::span<const fs::path> files) {
    struct Reading {
        fs::path file;
        std::string key;
        Entry entry;
    };
    std::vector<Reading> readings;
    for (const fs::path& file : files) {
        std::string key = keyOf(file), stamp = fileStamp(file);
        if (!find(key, stamp))
            readings.push_back({file, std::move(key), {std::move(stamp), {}, false}});
    }
    std::atomic<size_t> next = 0;
    const auto work = [&] {
        for (size_t i = next++; i < readings.size(); i = next++) {
            Reading& reading = readings[i];
            const bool settled = isSettled(reading.file);
            Result<std::optional<CompanionInfo>> info = describeCompanion(reading.file);
            if (!info) continue;
            reading.entry.info = *std::move(info);
            // A file that somebody is still writing is not remembered.
            reading.entry.isLasting = settled && !dependsOnNeighbours(reading.file) &&
                                      fileStamp(reading.file) == reading.entry.stamp;
        }
    };
    {
        std::vector<std::jthread> others;
        const size_t threads = std::min(
            {kMostThreads, readings.size() / 16, size_t{std::thread::hardware_concurrency()}});
        for (size_t i = 1; i < threads; ++i) others.emplace_back(work);
        work();
    }
    for (Reading& reading : readings) {
        if (reading.entry.isLasting)
            m_fresh.insert(reading.key);
        else
            m_fresh.erase(reading.key);
        m_entries[reading.key] = std::move(reading.entry);
    }
}

std::optional<CompanionInfo> CompanionCache::known(const fs::path& file) const {
    const Entry* const entry = find(keyOf(file), fileStamp(file));
    if (!entry || !entry->info) return std::nullopt;
    CompanionInfo info = *entry->info;
    setFile(info, file);
    return info;
}

void CompanionCache::save() {
    if (m_fresh.empty() || m_cacheFile.empty()) return;
    Entries all = load(m_cacheFile);
    for (const std::string& key : m_fresh) all[key] = m_entries[key];
    m_fresh.clear();
    if (all.size() > kMostEntries)
        std::erase_if(all, [](const auto& entry) { return fileStamp(entry.first).empty(); });
    json files = json::object();
    for (const auto& [key, entry] : all)
        if (repairedUtf8(key) == key) // other names cannot be written here
            files[key] = {{"stamp", entry.stamp},
                          {"is", entry.info ? toJson(*entry.info) : json()}};
    if (files.size() > kMostEntries) return;
    const std::string text = json{{"format", kFormat}, {"files", std::move(files)}}.dump();
    if (text.size() > kMostCacheBytes) return;
    std::error_code error;
    fs::create_directories(m_cacheFile.parent_path(), error);
    const Result<void> written = publishFile(std::as_bytes(std::span(text.data(), text.size())),
                                             m_cacheFile, Overwrite::Yes);
    if (!written) logMessage(LogLevel::Debug, written.error().message());
}

} // namespace kinora::core
