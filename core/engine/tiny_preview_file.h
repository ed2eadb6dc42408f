#pragma once
// The small autoencoder (TAESD) among the files beside the models that can make a run's previews.
// Its tensors do not tell for which family's latents it was trained: its name does, as it does for
// the programs that such files are kept for (taesd_decoder, taesdxl_decoder, diffusers' folders
// taesd and taesdxl).

#include "core/library/model_library.h"
#include "kernels/backend/registry.h"
#include "kernels/tensor/dtype.h"
#include "pipelines/image/run_preview.h"
#include "pipelines/request/image_request.h"
#include "pipelines/vae/latent_space.h"
#include "pipelines/weights/model.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::core {

// Of a file by its companionName(); nullopt where it is called otherwise, or as an encoder.
std::optional<pipelines::LatentSpace> tinyLatentSpace(std::string_view name);

// For a request that asks for previews, and not for fast ones: the model's own autoencoder where it
// is a small one, else the first file that fits; all of its tensors are checked, on the meta back
// end of `backends`. nullopt where there is none, or nobody asks. What could not be used is
// warned of; Error{NotFound, BadFile, Unsupported} where the request asks for nothing else.
std::optional<pipelines::PreviewChoice> findTinyPreview(const pipelines::ImageRequest& request,
                                                        const pipelines::Model& model,
                                                        const ModelLibrary& library,
                                                        const kernels::BackendRegistry& backends,
                                                        std::vector<std::string>& warnings);

} // namespace kinora::core
