#include "core/engine/background_hash.h"

#include "core/library/companion_files.h"
#include "kernels/base/error.h"
#include "kernels/base/log.h"

#include <chrono>

namespace kinora::core {
namespace {

// Throws Error where a file cannot be read, and Cancelled.
ModelHashes hashesOf(const ModelLibrary& library, const ModelEntry& entry,
                     const std::vector<std::filesystem::path>& companions,
                     const CancelToken& stop) {
    ModelHashes hashes;
    const Result<std::string> model = library.hash(entry, stop);
    if (!model) throw model.error();
    hashes.model = *model;
    for (const auto& path : companions) {
        const Result<std::string> hash = library.fileHash(path, stop);
        if (!hash) throw hash.error();
        hashes.companions.push_back({companionName(path), *hash});
    }
    return hashes;
}

} // namespace

BackgroundHash::BackgroundHash(const ModelLibrary& library, const ModelEntry& entry,
                               const std::vector<std::filesystem::path>& companions)
    : m_hash(std::async(std::launch::async, [&library, entry, companions, stop = m_stop] {
                 try {
                     return hashesOf(library, entry, companions, stop);
                 } catch (const Error& error) {
                     logMessage(LogLevel::Warning,
                                "Pictures are saved without the model's hash: " + error.message());
                     return ModelHashes();
                 }
             }).share()) {}

ModelHashes BackgroundHash::get(const CancelToken& job) const {
    constexpr auto kLook = std::chrono::milliseconds(50); // at the token
    while (m_hash.wait_for(kLook) != std::future_status::ready) job.check();
    return m_hash.get();
}

} // namespace kinora::core
