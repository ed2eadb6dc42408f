#include "core/engine/companions.h"

#include "core/engine/embeddings.h"
#include "core/library/companion_files.h"
#include "kernels/base/error.h"
#include "pipelines/request/embedding_choice.h"
#include "pipelines/request/lora_choice.h"
#include "pipelines/weights/control_file.h"
#include "pipelines/weights/lora/lora_file.h"

#include <memory>
#include <utility>

namespace kinora::core {
namespace {

void addLora(const std::filesystem::path& path, const pipelines::LoraChoice& choice,
             pipelines::Model& model, std::vector<std::string>& warnings) {
    const auto file = std::make_shared<const pipelines::LoraFile>(path);
    const pipelines::LoraFit fit = model.add(file, {.denoiser = static_cast<float>(choice.weight),
                                                    .text = static_cast<float>(choice.textWeight)});
    if (fit.surplus.empty()) return;
    const std::string count = std::to_string(fit.surplus.size());
    warnings.push_back(file->label() + ": " + count +
                       (fit.surplus.size() == 1 ? " part has" : " parts have") +
                       " no place in this model, " + fit.surplus.front() +
                       (fit.surplus.size() == 1 ? "." : " the first of them."));
}

void addControl(const std::filesystem::path& path, pipelines::ControlKind wanted,
                pipelines::Model& model) {
    const auto file = std::make_shared<const pipelines::ControlFile>(path);
    if (file->kind() != wanted)
        throw Error(ErrorCode::InvalidArgument,
                    file->label() + ": is a " + pipelines::controlKindName(file->kind()) +
                        ", not a " + pipelines::controlKindName(wanted) + ".",
                    wanted == pipelines::ControlKind::ControlNet
                        ? "Give it with --adapter, its picture with --adapter-image."
                        : "Give it with --control, its picture with --control-image.");
    model.addControl(file);
}

// Small, and no part of the model: it is read here, and the model stays as it is loaded.
pipelines::LearntWord readWord(const std::filesystem::path& path, const std::string& text,
                               const pipelines::Model& model) {
    pipelines::LearntWord word{pipelines::parseEmbeddingChoice(text)->word,
                               pipelines::TextualInversion(path)};
    word.vectors.checkFits(model);
    return word;
}

} // namespace

Companions addCompanions(pipelines::ImageRequest& request, pipelines::Model& model,
                         const ModelLibrary& library) {
    Companions companions;
    companions.warnings = addPromptEmbeddings(request, model, library);
    for (const CompanionPlace& place : companionPlaces(request)) {
        Result<std::filesystem::path> path = library.findCompanion(place.kind, place.name());
        if (!path) throw path.error();
        if (place.kind == CompanionKind::Lora)
            addLora(*path, *pipelines::parseLoraChoice(*place.text), model, companions.warnings);
        if (place.kind == CompanionKind::Vae) model.replaceVae(pipelines::ExternalVae(*path));
        if (place.kind == CompanionKind::ControlNet)
            addControl(*path, pipelines::ControlKind::ControlNet, model);
        if (place.kind == CompanionKind::Adapter)
            addControl(*path, pipelines::ControlKind::Adapter, model);
        if (place.kind == CompanionKind::Embedding)
            companions.words.push_back(readWord(*path, *place.text, model));
        place.rename(companionName(*path));
        companions.files.push_back(*std::move(path));
    }
    return companions;
}

} // namespace kinora::core
