#pragma once
// The models that this machine has: where they lie, what they are called, their hashes.
//
// Looked for, in order: folders given with --models and KINORA_MODELS, those that were added
// (model_folders.h), the user's data folder, the models that came with the program. Names are file
// stems without case.

#include "core/library/companion_files.h"
#include "core/library/companion_info.h"
#include "kernels/base/cancel_token.h"
#include "kernels/base/result.h"
#include "pipelines/request/image_request.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kinora::core {

// Of a model that is known to be of no family that has a name.
inline constexpr const char* kOwnFamily = "of a kind of its own";

struct ModelEntry {
    std::string name;           // how a request asks for it: "starter-image"
    std::string title;          // what a person reads: "Kinora starter"
    std::string kind;           // "StableDiffusionPipeline"
    std::string family;         // "SDXL", as files for it say, or kOwnFamily; empty: not known
    std::filesystem::path path; // the folder, or the checkpoint file
    uint64_t sizeBytes = 0;
    bool builtIn = false;
    std::string problem;    // why it cannot be used; empty where it can
    bool otherKind = false; // a file like a model's that is something else: a LoRA, a VAE
    std::vector<std::string> warnings; // what is done otherwise than the model asks
    pipelines::ImageRequest defaults;  // what it says itself: steps, sampler, size ...
};

class ModelLibrary {
  public:
    struct Options {
        std::vector<std::filesystem::path> folders; // searched first, in order
        std::filesystem::path dataFolder;           // caches, added models
    };
    explicit ModelLibrary(Options options);
    const std::filesystem::path& dataFolder() const { return m_options.dataFolder; }

    // others, where given, takes the files that lie as models do and are neither models nor among
    // companions(): models of kinds that are not known, parts of models.
    std::vector<ModelEntry> list(std::vector<ModelEntry>* others = nullptr) const;
    // name: empty (the starter model), a name, also as in plain_file_name.h, or a path; of copies
    // the first. Errors: NotFound lists what there is, InvalidArgument what is ambiguous.
    Result<ModelEntry> find(const std::string& name) const;
    // By hash, for verify.
    Result<ModelEntry> findByHash(const std::string& hash) const;
    // "sha256:...": a file's own, or that of the sorted list of path and hash; cached by inode,
    // size and time. Reads the whole model where it is not known yet. Throws Cancelled.
    Result<std::string> hash(const ModelEntry& model, const CancelToken& cancel = {}) const;

    // LoRAs and VAEs below the same folders; of files that are known to be equal the first. What
    // was read of a file is remembered until the file changes.
    std::vector<CompanionInfo> companions() const;
    // A file that is used beside a model: by name or path, and by hash, for verify.
    Result<std::filesystem::path> findCompanion(CompanionKind kind, const std::string& name) const;
    // Every file of weights below the folders, whatever it is.
    std::vector<CompanionFile> filesBeside() const;
    // Those of them in a folder of the kind.
    std::vector<std::filesystem::path> companionsOf(CompanionKind kind) const;
    Result<std::filesystem::path> findCompanionByHash(CompanionKind kind,
                                                      const std::string& hash) const;
    // Where the picture encoder of an IP-Adapter may be, the likeliest first.
    std::vector<std::filesystem::path> imageEncodersFor(const std::filesystem::path& adapter) const;
    // "sha256:..." of one file, or of a model's folder; cached likewise. Throws Cancelled.
    Result<std::string> fileHash(const std::filesystem::path& file,
                                 const CancelToken& cancel = {}) const;

  private:
    std::vector<std::filesystem::path> roots() const;

    Options m_options;
};

// resources/models of the build tree or of the installation; empty where neither is found.
std::filesystem::path builtInModelsFolder();

} // namespace kinora::core
