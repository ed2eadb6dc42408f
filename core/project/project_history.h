#pragma once
// name.history: what became of a project's tasks, a JSON object on each line, lines only ever
// added. A last line that was cut off (the power went) is passed over, and the next begins anew.
//
//     ProjectHistory history(paths.history);
//     if (auto made = history.result(key)) ...
//     history.addResult({...});
//
// Beside it name.history.index holds what the lines come to, so that a long history is not read
// again; it is made anew wherever it is missing or does not agree. Several machines may add lines:
// each under a lock. One thread at a time.

#include "kernels/base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace kinora::core {

struct HistoryResult {
    int64_t task = 0;
    std::string file;      // its name without folders
    std::string request;   // "sha256:...", of what was asked for
    std::string pixelHash; // of the picture as it was made
    std::string fileHash;  // of the file's bytes
    double seconds = 0;
    std::string madeAt; // "2026-11-26T03:00:00Z"
    std::string host;
};

class ProjectHistory {
  public:
    explicit ProjectHistory(std::filesystem::path path);

    // The last result of that file that answers this request.
    std::optional<HistoryResult> result(const std::string& file, const std::string& request) const;
    // The last one of that file, whatever it answers.
    std::optional<HistoryResult> latest(const std::string& file) const;
    // The picture of each task that was made last, whatever it was asked for; contact sheets are
    // of many and in none.
    std::map<int64_t, HistoryResult> latestByTask() const;
    // 0: none was given.
    int rating(const std::string& file) const;
    // Lines that say nothing any more: what they told is lost, though its pictures may be there.
    int64_t damagedLines() const { return m_damaged; }
    // Sentences of them, or of a history that is no file; empty: all is well.
    std::string damageText() const;
    int64_t resultCount() const { return static_cast<int64_t>(m_results.size()); }

    // Flushed to the disk. Errors: Io, DiskFull, BadFile (the history is no file).
    Result<void> addResult(const HistoryResult& result);
    // Nothing where a line tells of this file and request already, whoever wrote it.
    Result<void> addFoundResult(const HistoryResult& result);
    Result<void> addRating(const std::string& file, int rating); // 0 to 5
    // Reads what others have added.
    void refresh();
    // Writes the index. What cannot be written is made again next time.
    void saveIndex() const;

  private:
    bool loadIndex();
    void readFrom(uint64_t offset);
    void takeLine(std::string_view line);
    bool take(const nlohmann::json& event); // false: it is no event that is known
    std::string whyNoFile() const;          // empty: it is one, or there is none yet
    // unless: nothing is added where a line tells of it.
    Result<void> append(const nlohmann::ordered_json& event, const HistoryResult* unless = nullptr);

    std::filesystem::path m_path, m_index;
    std::map<std::string, HistoryResult> m_results; // by file
    std::map<std::string, int> m_ratings;           // by file
    int64_t m_damaged = 0;
    uint64_t m_read = 0; // bytes of whole lines that were taken
};

} // namespace kinora::core
