#pragma once
// What was read of the files beside the models, remembered between runs: of thousands of LoRAs only
// the new ones are opened. Beside the hashes' cache and not in it: that one is read for every
// picture, this one for lists alone.
//
//     CompanionCache cache(dataFolder / "cache" / "companions.json");
//     cache.read(files);
//     const std::optional<CompanionInfo> lora = cache.known(files.front());
//     cache.save();

#include "core/library/companion_info.h"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

namespace kinora::core {

// Files are known by path and fileStamp(). The cache is hostile input: a damaged one, or one of
// another version of the readers, counts as empty. One thread at a time; of two processes that save
// at once one may lose what it read, they never mix.
class CompanionCache {
  public:
    // cacheFile: empty for none.
    explicit CompanionCache(std::filesystem::path cacheFile);

    // Reads those that are not known as they are now, several at once.
    void read(std::span<const std::filesystem::path> files);
    // What the file is, as it is now, but for its hash; nullopt where it is nothing that is used
    // beside a model, or is not known. Opens nothing.
    std::optional<CompanionInfo> known(const std::filesystem::path& file) const;
    // Writes what is new, beside and renamed, together with what others wrote meanwhile.
    void save();

  private:
    struct Entry {
        std::string stamp;
        std::optional<CompanionInfo> info; // none: it is something else
        bool isLasting = true;             // false: true now alone, never written
    };
    using Entries = std::map<std::string, Entry>; // by absolute path

    static Entries load(const std::filesystem::path& cacheFile);
    const Entry* find(const std::string& key, const std::string& stamp) const;

    std::filesystem::path m_cacheFile;
    Entries m_entries;
    std::set<std::string> m_fresh; // to be written
};

} // namespace kinora::core
