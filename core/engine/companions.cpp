#include "core/engine/companions.h"

#include "core/library/companion_files.h"
#include "core/media/text_encoding.h"
#include "pipelines/image/prompt_texts.h"
#include "pipelines/request/lora_choice.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/lora/lora_file.h"

#include <array>
#include <charconv>
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

std::string shortest(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

// LoRAs that the prompt names (<lora:style:0.8>) become entries of the list, so that there is one
// place that decides; the rest of the prompt is read as it was.
void takeMentions(pipelines::ImageRequest& request) {
    if (pipelines::promptSyntaxOf(request) != pipelines::PromptSyntax::A1111) return;
    std::vector<pipelines::LoraMention> mentions;
    std::string prompt = pipelines::takeLoras(request.prompt, mentions);
    if (mentions.empty()) return;
    request.prompt = trimmed(prompt);
    request.promptSyntax = "a1111";
    for (const pipelines::LoraMention& mention : mentions)
        request.loras.push_back(mention.name + ":" + shortest(mention.weight) + ":" +
                                shortest(mention.textWeight));
    pipelines::validate(request);
}

} // namespace

Companions addCompanions(pipelines::ImageRequest& request, pipelines::Model& model,
                         const ModelLibrary& library) {
    takeMentions(request);
    Companions companions;
    for (const CompanionPlace& place : companionPlaces(request)) {
        Result<std::filesystem::path> path = library.findCompanion(place.kind, place.name());
        if (!path) throw path.error();
        if (place.kind == CompanionKind::Lora)
            addLora(*path, *pipelines::parseLoraChoice(*place.text), model, companions.warnings);
        if (place.kind == CompanionKind::Vae) model.replaceVae(pipelines::ExternalVae(*path));
        place.rename(companionName(*path));
        companions.files.push_back(*std::move(path));
    }
    return companions;
}

} // namespace kinora::core
