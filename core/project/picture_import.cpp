#include "core/project/picture_import.h"

#include "core/media/metadata.h"
#include "core/media/text_encoding.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <optional>

namespace kinora::core {
namespace {

using nlohmann::ordered_json;
using pipelines::ImageRequest;
using pipelines::Parameter;

ordered_json typed(const Parameter& parameter, const std::string& text) {
    ImageRequest request;
    pipelines::setFromText(request, parameter, text);
    const nlohmann::json values = pipelines::toJson(request);
    return ordered_json(values.value(std::string(parameter.name), nlohmann::json::array()));
}

// Parameters of Kinora's own pictures that speak of a file which the picture does not carry, and
// what is missing; nullptr: it is all there.
const char* missingFor(const Provenance& made, std::string_view parameter) {
    struct Need {
        std::string_view parameter;
        bool missing;
        const char* what;
    };
    const bool init = !made.initHash.empty(), controls = !made.controlHashes.empty(),
               adapters = !made.adapterHashes.empty();
    constexpr const char* kFollowed = "the picture that it followed is not in the file";
    constexpr const char* kBegan = "the picture that it began from is not in the file";
    const Need needs[] = {
        {"control", controls, kFollowed},
        {"controlPrepare", controls, kFollowed},
        {"controlGuess", controls, kFollowed},
        {"adapter", adapters, kFollowed},
        {"adapterPrepare", adapters, kFollowed},
        {"ipAdapter", true, "the picture that it looked at is not in the file"},
        {"imageEncoder", true, "the picture that it looked at is not in the file"},
        {"strength", init, kBegan},
        {"imageCfg", init, kBegan},
        {"outpaint", init, kBegan},
        {"pasteBack", init, kBegan},
        {"maskBlur", init, kBegan},
    };
    for (const Need& need : needs)
        if (need.missing && need.parameter == parameter) return need.what;
    return nullptr;
}

// Files that no parameter speaks of.
void noteFilesLeftOut(const Provenance& made,
                      std::vector<std::pair<std::string, std::string>>& others) {
    for (const auto& [what, hash] : {std::pair{"Picture to begin from", made.initHash},
                                     {"Mask", made.maskHash},
                                     {"Latents to begin from", made.latentsHash}})
        if (!hash.empty()) others.emplace_back(what, hash + " (the file is not in the picture)");
    if (!made.enlargements.empty())
        others.emplace_back("Made larger afterwards",
                            made.enlargements.front().upscaler.name +
                                " (a task of a project makes the picture before that)");
}

} // namespace

Result<ImportedPicture> importPicture(const std::filesystem::path& path,
                                      const ModelLibrary& library) {
    Result<PictureInfo> info = readPictureInfo(path);
    if (!info) return info.error();
    if (!info->request)
        return Error(ErrorCode::BadFile, shownPath(path) + ": nothing in it says how it was made.",
                     "PNG files of A1111, ComfyUI, InvokeAI and Kinora do, where nobody took it "
                     "out.");
    ImportedPicture picture{shownPath(path.filename()), info->madeWith, {}, info->others};
    const ImageRequest usual;
    for (const Parameter& parameter : pipelines::imageParameters()) {
        if (parameter.role != pipelines::ParameterRole::Result) continue;
        const std::optional<std::string> text = pipelines::toText(*info->request, parameter);
        // What every request has counts where it is said otherwise, or where Kinora said it.
        if (!text || (!info->provenance && text == pipelines::toText(usual, parameter))) continue;
        if (const char* missing =
                info->provenance ? missingFor(*info->provenance, parameter.name) : nullptr) {
            if (!text->empty())
                picture.others.emplace_back(parameter.label, *text + " (" + missing + ")");
            continue;
        }
        if (parameter.name == "model") {
            if (text->empty()) continue;
            const Result<ModelEntry> entry =
                text->find('/') == std::string::npos
                    ? library.find(*text)
                    : Result<ModelEntry>(Error(ErrorCode::NotFound, "a path"));
            if (!entry) {
                picture.others.emplace_back("Model", *text);
                continue;
            }
        }
        picture.request.emplace_back(parameter.name, *text);
    }
    if (info->provenance) noteFilesLeftOut(*info->provenance, picture.others);
    return picture;
}

ordered_json importedBatch(const std::string& name, const std::vector<ImportedPicture>& pictures,
                           int64_t seed) {
    ordered_json rows = ordered_json::array();
    for (const ImportedPicture& picture : pictures) {
        ordered_json request = ordered_json::object();
        bool hasSeed = false;
        for (const auto& [parameter, text] : picture.request) {
            request[parameter] = typed(*pipelines::findImageParameter(parameter), text);
            hasSeed = hasSeed || parameter == "seed";
        }
        if (!hasSeed) request["seed"] = seed + static_cast<int64_t>(rows.size());
        ordered_json row = {{"request", std::move(request)}, {"importedFrom", picture.file}};
        if (!picture.others.empty()) {
            ordered_json others = ordered_json::object();
            for (const auto& [key, value] : picture.others)
                others[repairedUtf8(key)] = repairedUtf8(value);
            row["withoutEqual"] = std::move(others);
        }
        rows.push_back(std::move(row));
    }
    return {{"name", name}, {"settings", {{"count", 1}}}, {"rows", std::move(rows)}};
}

} // namespace kinora::core
