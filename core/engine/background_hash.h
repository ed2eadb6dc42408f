#pragma once
// Hashes of a job's model and of the files beside it, for the metadata of its pictures.

#include "core/library/model_library.h"
#include "core/media/provenance.h"
#include "kernels/base/cancel_token.h"

#include <filesystem>
#include <future>
#include <string>
#include <vector>

namespace kinora::core {

struct ModelHashes { // empty where a file could not be read
    std::string model;
    std::vector<UsedFile> companions;
};

// Hashing reads the whole model: it happens beside the computation, and ends with this object.
class BackgroundHash {
  public:
    // The library outlives it.
    BackgroundHash(const ModelLibrary& library, const ModelEntry& entry,
                   const std::vector<std::filesystem::path>& companions);
    ~BackgroundHash() { m_stop.cancel(); } // the future then waits for one block at the most
    BackgroundHash(const BackgroundHash&) = delete;
    BackgroundHash& operator=(const BackgroundHash&) = delete;

    // Waits. Throws Cancelled once the job is.
    ModelHashes get(const CancelToken& job) const;

  private:
    CancelToken m_stop;
    std::shared_future<ModelHashes> m_hash;
};

} // namespace kinora::core
