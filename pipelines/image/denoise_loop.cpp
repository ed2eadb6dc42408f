#include "pipelines/image/denoise_loop.h"

#include "pipelines/image/check_finite.h"

#include <string>
#include <utility>

namespace kinora::pipelines {

using kernels::Tensor;

Tensor denoise(Scheduler& scheduler, BatchNoise& noise, Tensor latents, int64_t calls, int64_t end,
               kernels::DType compute, const Predict& predict, const Adjust& adjust,
               const StepDone& stepDone) {
    const int all = scheduler.callCount();
    for (int call = static_cast<int>(calls); call < end; ++call) {
        const Tensor output =
            predict(scheduler.scaleModelInput(latents, call), scheduler.timestep(call));
        latents = adjust(scheduler.step(output, call, latents, noise), call + 1);
        checkFinite(latents,
                    "The denoiser, in step " + std::to_string(call + 1) + " of " +
                        std::to_string(all) + ",",
                    compute);
        stepDone(call + 1, latents);
    }
    return latents;
}

} // namespace kinora::pipelines
