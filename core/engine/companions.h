#pragma once
// What a request names beside its model, found and put into it.

#include "core/library/model_library.h"
#include "pipelines/request/image_request.h"
#include "pipelines/text/learnt_words.h"
#include "pipelines/weights/model.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kinora::core {

struct Companions {
    std::vector<std::filesystem::path> files; // in the order of companionPlaces()
    std::vector<std::string> warnings;        // sentences: what of a file has no place in the model
    std::vector<pipelines::LearntWord> words; // embeddings
    std::vector<std::filesystem::path> pictures; // that IP-Adapters look at, in their order
    int64_t pictureSide = 0;                     // pixels, as the picture encoder takes them
    // Where they are, where the request names them.
    std::optional<std::filesystem::path> vae, refiner, hiresUpscaler, upscaler;
};

// request: resolved, so that LoRAs that its prompt names are in its list; embeddings that it names
// are added (embeddings.h), and where it has IP-Adapters and names no picture encoder, the one that
// fits. Its names become those that its pictures will carry. Throws Error{NotFound,
// InvalidArgument, BadFile, Unsupported}: a file that is not there, or for another kind of model.
Companions addCompanions(pipelines::ImageRequest& request, pipelines::Model& model,
                         const ModelLibrary& library);

} // namespace kinora::core
