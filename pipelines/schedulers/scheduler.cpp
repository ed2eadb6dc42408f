#include "pipelines/schedulers/scheduler.h"

#include "pipelines/schedulers/prediction.h"

namespace kinora::pipelines {

using kernels::Tensor;

Tensor Scheduler::step(const Tensor& modelOutput, int call, const Tensor& latents,
                       BatchNoise& noise) {
    Tensor next = advance(modelOutput, call, latents, noise);
    ++m_memory.stepsTaken;
    return next;
}

Tensor Scheduler::addNoise(const Tensor& original, const Tensor& noise, int call) const {
    const NoiseMix mix = noiseMix(call);
    return combine({{mix.picture, original}, {mix.noise, noise}});
}

Tensor Scheduler::draw(BatchNoise& noise, const Tensor& latents) {
    return noise.draw(latents.device(), latents.dim(1), latents.dim(2), latents.dim(3));
}

} // namespace kinora::pipelines
