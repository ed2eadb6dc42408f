#include "core/engine/tiny_preview_file.h"

#include "core/library/companion_files.h"
#include "kernels/base/error.h"
#include "pipelines/text/learnt_words.h"
#include "pipelines/vae/autoencoder_tiny.h"
#include "pipelines/vae/vae.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace kinora::core {

namespace fs = std::filesystem;
using pipelines::LatentSpace;
using pipelines::PreviewChoice;

namespace {

bool isTiny(const nlohmann::json& config) {
    const auto name = config.find("_class_name");
    return name != config.end() && *name == pipelines::kAutoencoderTinyClass;
}

// Files of that space, those in folders of VAEs first.
std::vector<fs::path> candidates(const ModelLibrary& library, LatentSpace space) {
    std::vector<CompanionFile> files = library.filesBeside();
    std::erase_if(files, [&](const CompanionFile& file) {
        return tinyLatentSpace(companionName(file.path)) != space;
    });
    std::ranges::stable_partition(
        files, [](const CompanionFile& file) { return file.inFolderOf(CompanionKind::Vae); });
    std::vector<fs::path> paths;
    for (const CompanionFile& file : files) paths.push_back(file.path);
    return paths;
}

[[noreturn]] void throwNone(std::optional<LatentSpace> space) {
    if (!space)
        throw Error(ErrorCode::NotFound,
                    "--preview tiny: this model's latents are of a kind of its own, for which no "
                    "small autoencoder is known.",
                    "Use --preview fast.");
    const std::string name = *space == LatentSpace::StableDiffusion ? "taesd" : "taesdxl";
    throw Error(ErrorCode::NotFound,
                "--preview tiny: there is no small autoencoder for " +
                    std::string(latentSpaceName(*space)) + ".",
                "Put " + name + "_decoder.safetensors, or diffusers' folder " + name +
                    ", into a folder vae_approx beside the models (--models names their folder), "
                    "or use --preview fast.");
}

// Throws where it cannot be used.
void check(const PreviewChoice& choice, const pipelines::Model& model,
           const kernels::BackendRegistry& backends) {
    const auto meta = backends.open("meta", {.threads = 1});
    (void)pipelines::makePreviewDecoder(model, *meta, kernels::DType::F32, choice);
}

} // namespace

std::optional<LatentSpace> tinyLatentSpace(std::string_view name) {
    const std::string lower = pipelines::lowerCaseName(std::string(name));
    if (!lower.starts_with("taesd")) return std::nullopt;
    if (lower.find("encoder") != std::string::npos && lower.find("decoder") == std::string::npos)
        return std::nullopt;
    if (lower.starts_with("taesdxl")) return LatentSpace::StableDiffusionXl;
    const bool isOther = // taesd3, for one
        lower.size() > 5 && std::isalnum(static_cast<unsigned char>(lower[5])) != 0;
    return isOther ? std::nullopt : std::optional(LatentSpace::StableDiffusion);
}

std::optional<PreviewChoice> findTinyPreview(const pipelines::ImageRequest& request,
                                             const pipelines::Model& model,
                                             const ModelLibrary& library,
                                             const kernels::BackendRegistry& backends,
                                             std::vector<std::string>& warnings) {
    if (request.previewEvery <= 0 || request.preview == "fast") return std::nullopt;
    PreviewChoice choice;
    choice.kind = pipelines::PreviewKind::Tiny;
    if (isTiny(model.config("vae"))) return choice;
    const auto space =
        latentSpaceOf(pipelines::readVaeConfig(model.trainedVaeConfig(), model.configLabel("vae")));
    std::optional<Error> trouble;
    for (const fs::path& path : space ? candidates(library, *space) : std::vector<fs::path>()) {
        try {
            choice.vae.emplace(path);
            check(choice, model, backends);
            return choice;
        } catch (const Error& error) {
            trouble = trouble.value_or(error);
        }
    }
    if (request.preview == "tiny") {
        if (trouble) throw *trouble;
        throwNone(space);
    }
    if (trouble)
        warnings.push_back("Previews are made without the small autoencoder: " +
                           std::string(trouble->message()));
    return std::nullopt;
}

} // namespace kinora::core
