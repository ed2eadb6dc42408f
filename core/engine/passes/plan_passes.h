#pragma once
// From a request to its passes, each of them planned: what does not go together is said here,
// before anything is loaded.

#include "core/engine/companions.h"
#include "core/engine/input_pictures.h"
#include "core/engine/passes/pass.h"
#include "kernels/backend/registry.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/weights/model.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kinora::core {

struct PassModel {
    std::string name;
    const pipelines::Model& model;
    pipelines::TextToImagePlanner& planner; // of it
    // That could make its previews, where one is here and the request does not say otherwise.
    std::optional<pipelines::PreviewChoice> tinyPreview = {};
};

// What passes are planned with. Borrows all of it.
struct PassPlanning {
    std::vector<PassModel> models; // the request's own, then the refiner where there is one
    const pipelines::Machine& machine;
    const kernels::BackendRegistry& backends; // "cpu" and "meta"
    kernels::DType compute;
    const InputPictures& pictures;
};

// request: resolved, with seed and batch. companions: what addCompanions() found of it. Throws
// Error{InvalidArgument, Unsupported, BadFile, NotFound, Io}: a pass without a step, latents or
// pictures that the next pass cannot take, a result that is too large.
JobPasses planPasses(const pipelines::ImageRequest& request, const Companions& companions,
                     const PassPlanning& with);

// Of all passes and rounds: time adds up, each model is loaded once, of memory the most counts.
pipelines::Plan planOf(const JobPasses& passes, const pipelines::Machine& machine);

// Says in each pass whether the VAE works in tiles.
void setTiling(JobPasses& passes, const std::string& tiling);

} // namespace kinora::core
