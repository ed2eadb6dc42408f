#pragma once
// A run that is a part of a picture's way from noise: a base model begins, another one (a refiner)
// goes on. Where the parts meet is said as a share of the noise levels, as diffusers' denoising_end
// and denoising_start.

#include "pipelines/image/host_tensor.h"
#include "pipelines/noise/noise_generator.h"
#include "pipelines/schedulers/scheduler.h"

#include <cstdint>
#include <vector>

namespace kinora::pipelines {

struct RunPart {
    double from = 0, to = 1; // 0 is noise, 1 the picture
    bool begins() const { return from <= 0; }
    bool ends() const { return to >= 1; }
};

// What the part before left of one batch.
struct BegunBatch {
    int64_t first = 0;             // picture
    HostTensor latents;            // [N,h,w,C]
    std::vector<NoiseState> noise; // of each picture

    friend bool operator==(const BegunBatch&, const BegunBatch&) = default;
};

struct CallRange {
    int first, end; // of a scheduler's calls
};

// trainingTimesteps: of the scheduler's config. A later part never begins within a step of two
// calls. Throws Error{InvalidArgument} where the part has no call.
CallRange callsOf(const Scheduler& scheduler, const RunPart& part, int64_t trainingTimesteps);

} // namespace kinora::pipelines
