#include "core/project/asset_values.h"

#include "core/library/companion_files.h"
#include "kernels/base/error.h"

#include <string>
#include <variant>
#include <vector>

namespace kinora::core {
namespace {

using pipelines::ImageRequest;

bool isFileName(const CompanionPlace& place, const std::string& name) {
    if (place.kind == CompanionKind::Picture) return true; // the library knows none
    return place.kind != CompanionKind::Refiner &&
           (name.find('/') != std::string::npos || name.ends_with(".safetensors"));
}

} // namespace

void keepAsAssets(ImageRequest& request, const pipelines::Parameter& parameter,
                  const AssetStore& assets, const std::filesystem::path& folder) {
    const auto kept = [&](const std::string& file) {
        if (file.empty() || isAssetReference(file)) return file;
        Result<std::string> asset = assets.add(folder / file);
        if (!asset) throw asset.error();
        return *std::move(asset);
    };
    if (isAssetParameter(parameter.name)) {
        if (const auto* text = std::get_if<std::string ImageRequest::*>(&parameter.field))
            request.** text = kept(request.**text);
        if (const auto* list =
                std::get_if<std::vector<std::string> ImageRequest::*>(&parameter.field))
            for (std::string& file : request.**list) file = kept(file);
        return;
    }
    // Of one request all places are looked at: those of other parameters are assets already.
    for (const CompanionPlace& place : companionPlaces(request))
        if (const std::string name = place.name(); isFileName(place, name))
            place.rename(kept(name));
}

} // namespace kinora::core
