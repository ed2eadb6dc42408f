#include "core/engine/companions.h"

#include "core/engine/embeddings.h"
#include "core/library/companion_files.h"
#include "kernels/base/error.h"
#include "pipelines/request/embedding_choice.h"
#include "pipelines/request/ip_adapter_choice.h"
#include "pipelines/request/lora_choice.h"
#include "pipelines/vision/clip_vision_file.h"
#include "pipelines/weights/control_file.h"
#include "pipelines/weights/lora/lora_file.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace kinora::core {
namespace {

void addLora(const std::filesystem::path& path, const pipelines::LoraChoice& choice,
             pipelines::Model& model, std::vector<std::string>& warnings) {
    const auto file = std::make_shared<const pipelines::LoraFile>(path);
    const pipelines::LoraFit fit = model.add(file, {.denoiser = static_cast<float>(choice.weight),
                                                    .text = static_cast<float>(choice.textWeight),
                                                    .blocks = choice.blocks});
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

// A file of each distinct adapter, by its number.
void addIpAdapters(const pipelines::ImageRequest& request,
                   const std::vector<std::filesystem::path>& files, pipelines::Model& model) {
    const auto numbers = pipelines::adapterNumbers(pipelines::ipAdapterChoices(request));
    for (size_t i = 0; i < numbers.size(); ++i) {
        if (numbers[i] == model.ipAdapters().size())
            model.add(std::make_shared<const pipelines::IpAdapterFile>(files[i]));
        if (model.ipAdapters()[numbers[i]]->path() != files[i])
            throw Error(ErrorCode::InvalidArgument,
                        "Two IP-Adapters are called '" + companionName(files[i]) + "'.",
                        "Give one of the files another name: pictures tell them apart by it.");
    }
}

// One that all adapters of the model can look through.
std::filesystem::path findImageEncoder(const pipelines::Model& model, const ModelLibrary& library) {
    const pipelines::IpAdapterFile& first = *model.ipAdapters().front();
    for (const auto& path : library.imageEncodersFor(first.path())) {
        try {
            const pipelines::ClipVisionFile file(path);
            if (std::ranges::all_of(model.ipAdapters(),
                                    [&](const auto& adapter) { return file.fits(*adapter); }))
                return path;
        } catch (const Error&) {
            // Then it is something else.
        }
    }
    throw Error(ErrorCode::NotFound,
                first.label() + ": the picture encoder that it looks through, " +
                    std::to_string(first.pictureWidth()) + " wide, is not here.",
                "Put the folder image_encoder of its makers beside it, or name a file with "
                "--image-encoder.");
}

} // namespace

Companions addCompanions(pipelines::ImageRequest& request, pipelines::Model& model,
                         const ModelLibrary& library) {
    Companions companions;
    companions.warnings = addPromptEmbeddings(request, model, library);
    std::vector<std::filesystem::path> adapters;
    const auto use = [&](const CompanionPlace& place) {
        Result<std::filesystem::path> path = library.findCompanion(place.kind, place.name());
        if (!path) throw path.error();
        switch (place.kind) {
        case CompanionKind::Lora:
            addLora(*path, *pipelines::parseLoraChoice(*place.text), model, companions.warnings);
            break;
        case CompanionKind::Vae:
            model.replaceVae(pipelines::ExternalVae(*path));
            companions.vae = *path;
            break;
        case CompanionKind::Refiner: companions.refiner = *path; break;
        case CompanionKind::ControlNet:
            addControl(*path, pipelines::ControlKind::ControlNet, model);
            break;
        case CompanionKind::Adapter:
            addControl(*path, pipelines::ControlKind::Adapter, model);
            break;
        case CompanionKind::Embedding:
            companions.words.push_back(readWord(*path, *place.text, model));
            break;
        case CompanionKind::IpAdapter: adapters.push_back(*path); break;
        case CompanionKind::Picture: companions.pictures.push_back(*path); break;
        case CompanionKind::ImageEncoder: model.setImageEncoder(*path); break;
        case CompanionKind::Upscaler:
            (request.upscaler && place.text == &*request.upscaler ? companions.upscaler
                                                                  : companions.hiresUpscaler) =
                *path;
            break;
        }
        place.rename(companionName(*path));
        companions.files.push_back(*std::move(path));
    };
    for (const CompanionPlace& place : companionPlaces(request)) use(place);
    if (adapters.empty()) return companions;
    addIpAdapters(request, adapters, model);
    if (model.imageEncoder().empty()) {
        request.imageEncoder = findImageEncoder(model, library).string();
        use(companionPlaces(request).back());
    }
    companions.pictureSide = pipelines::ClipVisionFile(model.imageEncoder()).config().imageSize;
    return companions;
}

} // namespace kinora::core
