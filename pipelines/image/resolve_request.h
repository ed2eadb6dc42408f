#pragma once
// From what a person left open to what will run: the model's own defaults (kinora.json), then what
// its configs imply (sampler, size), then the table's fallbacks.

#include "pipelines/request/image_request.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/weights/model.h"

#include <string>
#include <vector>

namespace kinora::pipelines {

struct PictureSize {
    int64_t width = 0, height = 0; // of the picture that a run begins from
};

// The request with every result parameter set but the seed, and validated against the model: sizes
// are multiples of the VAE's factor, the sampler can follow the schedule.
// init: of the picture that it names. Where the request has no size, the result is as large as it,
// down to a multiple of the VAE's factor; where it has one side, the other keeps the shape. What a
// run from a picture needs is set and checked: strength, guidance by the picture, whether the model
// takes a mask. Throws Error{InvalidArgument, Unsupported, BadFile}.
ImageRequest resolveRequest(const ImageRequest& request, const Model& model, PictureSize init = {});

// How many of a resolved request's steps are taken: of a run from a picture int(steps x strength).
int64_t takenSteps(const ImageRequest& request);

// What the request's sampler is made with. request: resolved.
SchedulerOptions schedulerOptions(const ImageRequest& request, const Model& model);

// What a run of this request (as it came, not resolved) does otherwise than the model asks:
// sentences for a person; none as a rule.
std::vector<std::string> modelWarnings(const ImageRequest& request, const Model& model);

// The second pass of a resolved request that asks for one (hires): from a picture of the first, at
// its own size, a multiple of `multiple` pixels.
ImageRequest hiresRequest(const ImageRequest& request, int64_t multiple);

} // namespace kinora::pipelines
