#pragma once
// What is used beside a model: files of LoRAs, embeddings and VAEs, and a second model. Found in
// the folders where the programs of the field keep them, read in place.

#include "kernels/base/result.h"
#include "pipelines/request/image_request.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kinora::core {

// Picture: what an IP-Adapter looks at, a file named by its path. Refiner: a model.
enum class CompanionKind {
    Lora,
    Vae,
    Embedding,
    ControlNet,
    Adapter,
    Upscaler,
    IpAdapter,
    ImageEncoder,
    Picture,
    Refiner
};

// Below a root; several roots that hold one another give each file once.
struct CompanionFile {
    std::filesystem::path path;
    // By the folder that it lies in (models/Lora, models/loras, sd-1/lora ...).
    bool inFolderOf(CompanionKind kind) const;
};

// Every weights file (safetensors, pickles) below the roots, sorted within each. Links are followed
// once; hidden folders, and what lies very deep or beyond five thousand folders, are passed over.
// Where a root is a folder of checkpoints, those of LoRAs and VAEs beside it count too:
// ".../models/Stable-diffusion" leads to ".../models/Lora".
std::vector<CompanionFile> companionFiles(const std::vector<std::filesystem::path>& roots);

// Folders beside models with thousands of files that are none: what programs are made of. They are
// passed over, so that the limits are not reached before the models are.
bool isProgramFolder(const std::filesystem::path& folder);

// Whether the name ends as those of weights do: .safetensors, .ckpt, .pt, .pth, .bin.
bool hasWeightsEnding(const std::filesystem::path& path);

// How a request names the file: without folder and ending; by its folder where that is a diffusers
// one.
std::string companionName(const std::filesystem::path& path);

// name: as companionName, without case, or a path (with a slash, or a file that is there).
// Error{NotFound} says where was looked, Error{InvalidArgument} names several that fit.
Result<std::filesystem::path> findCompanion(const std::vector<std::filesystem::path>& roots,
                                            CompanionKind kind, const std::string& name);

// Picture encoders that may lie beside an adapter, as its makers publish both, and among the files
// below the roots, those of their own folders first.
std::vector<std::filesystem::path>
imageEncodersFor(const std::filesystem::path& adapter,
                 const std::vector<std::filesystem::path>& roots);

// "LoRA", for messages.
const char* companionKindName(CompanionKind kind);

// The places in a request that name such files, in a fixed order: how they are listed in metadata.
struct CompanionPlace {
    CompanionKind kind;
    std::string* text; // as the request has it: a LoRA's name with weights
    std::string name() const;
    void rename(const std::string& name) const; // weights stay
};
std::vector<CompanionPlace> companionPlaces(pipelines::ImageRequest& request);

} // namespace kinora::core
