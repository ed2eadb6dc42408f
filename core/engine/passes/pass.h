#pragma once
// A job as an ordered list of passes, as the planner makes it (plan_passes.h) and one loop walks it
// (pass_walk.h). An ordinary job is a list of one.
//
//     refiner:  the model, up to a share of the noise levels; then the refiner, from its latents
//     hires:    small; then large from the small picture; the list is walked once for each picture

#include "core/engine/paste_back.h"
#include "core/engine/upscale.h"
#include "pipelines/image/run_inputs.h"
#include "pipelines/plan/plan.h"
#include "pipelines/request/image_request.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace kinora::core {

// What is done with each picture that comes out of a pass before it goes on.
struct PictureEnlargement {
    std::filesystem::path upscaler;
    UpscalePlan plan;
    bool asStored = false; // in 8 bits, as a file of it would be enlarged
};

// Of the pass before.
enum class Takes { Nothing, Latents, Picture };

struct Pass {
    size_t model = 0;                // of the job's: 0 is the one that the request names
    pipelines::ImageRequest request; // resolved, of this pass's size, as the first round has it
    pipelines::RunInputs inputs;     // of that size; their part says how far this pass goes
    Takes takes = Takes::Nothing;
    int64_t calls = 0; // of the denoiser, for each batch
    pipelines::Plan plan;
    std::optional<PasteBack> paste; // of what the inputs' mask keeps, before it is enlarged
    std::optional<PictureEnlargement> enlarge;
};

struct JobPasses {
    std::vector<Pass> list; // never empty
    int64_t rounds = 1;     // how often it is walked: once, or for each picture with the next seed
};

} // namespace kinora::core
