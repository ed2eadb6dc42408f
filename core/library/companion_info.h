#pragma once
// What a file beside the models is: a LoRA, embedding or ControlNet for which family, a VAE, an
// upscaler; its trigger words and licence, as its metadata and its tensors tell. Headers only.

#include "kernels/base/result.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kinora::core {

struct CompanionInfo {
    std::string name;  // how a request asks for it
    std::string title; // as its maker calls it; empty where that is its name, or not said
    std::string kind; // "LoRA", "LoHa", "LoKr", "GLoRA", "OFT", "IA3", "VAE", "TAESD", "embedding",
                      // "ControlNet", "T2I-Adapter", "upscaler", "IP-Adapter"
    std::string family; // "Stable Diffusion 1.x"; of an upscaler "4x, ESRGAN"; empty: it does not
                        // tell
    std::filesystem::path path;
    uint64_t sizeBytes = 0;
    std::string hash;                      // "sha256:..."; empty: not known yet
    std::string licence;                   // empty: it does not say
    std::vector<std::string> triggerWords; // what its trainer says, else its most frequent tags
};

// nullopt for what is neither (a model, a damaged file). Hostile input. The file is opened once.
// Error{NotFound, Io} where it cannot be read now.
Result<std::optional<CompanionInfo>> describeCompanion(const std::filesystem::path& path);
// The same, and nullopt for what cannot be read.
std::optional<CompanionInfo> readCompanionInfo(const std::filesystem::path& path);

// Sets what a file's place says of it: name, path and size.
void setFile(CompanionInfo& info, const std::filesystem::path& path);

} // namespace kinora::core
