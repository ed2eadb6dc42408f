#pragma once
// From what a person left open to what will run: the model's own defaults (kinora.json), then what
// its configs imply (sampler, size), then the table's fallbacks.

#include "pipelines/request/image_request.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/weights/model.h"

#include <string>
#include <vector>

namespace kinora::pipelines {

// The request with every result parameter set but the seed, and validated against the model: sizes
// are multiples of the VAE's factor, the sampler can follow the schedule.
// Throws Error{InvalidArgument, Unsupported, BadFile}.
ImageRequest resolveRequest(const ImageRequest& request, const Model& model);

// What the request's sampler is made with. request: resolved.
SchedulerOptions schedulerOptions(const ImageRequest& request, const Model& model);

// What a run of this request (as it came, not resolved) does otherwise than the model asks:
// sentences for a person; none as a rule.
std::vector<std::string> modelWarnings(const ImageRequest& request, const Model& model);

} // namespace kinora::pipelines
