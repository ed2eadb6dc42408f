#pragma once
// Values that name files, as a project keeps them: tables and --set name files by where they lie, a
// project by its assets.

#include "core/project/asset_store.h"
#include "pipelines/request/image_request.h"
#include "pipelines/request/parameters.h"

#include <filesystem>

namespace kinora::core {

// Takes the files that this parameter of the request names into the store, and names them by their
// references: latents and pictures always, files beside the model (LoRAs, VAEs ...) where they are
// paths and not names of the library. folder: what relative paths are relative to. Throws what
// AssetStore::add() answers.
void keepAsAssets(pipelines::ImageRequest& request, const pipelines::Parameter& parameter,
                  const AssetStore& assets, const std::filesystem::path& folder);

} // namespace kinora::core
