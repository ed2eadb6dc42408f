#include "pipelines/schedulers/scheduler.h"

#include "kernels/base/error.h"
#include "pipelines/schedulers/prediction.h"

#include <utility>

namespace kinora::pipelines {

using kernels::Tensor;

Tensor Scheduler::step(const Tensor& modelOutput, int call, const Tensor& latents,
                       BatchNoise& noise) {
    Tensor next = advance(modelOutput, call, latents, noise);
    ++m_memory.stepsTaken;
    return next;
}

void Scheduler::restore(SchedulerMemory memory) {
    if (memory.tensors.size() != m_memory.tensors.size())
        throw Error(ErrorCode::InvalidArgument,
                    "The state of the run is another sampler's: it holds " +
                        std::to_string(memory.tensors.size()) + " tensors, not " +
                        std::to_string(m_memory.tensors.size()) + ".",
                    "Begin the run again.");
    m_memory = std::move(memory);
}

Tensor Scheduler::addNoise(const Tensor& original, const Tensor& noise, int call) const {
    const NoiseMix mix = noiseMix(call);
    return combine({{mix.picture, original}, {mix.noise, noise}});
}

Tensor Scheduler::draw(BatchNoise& noise, const Tensor& latents) {
    return noise.draw(latents.device(), latents.dim(1), latents.dim(2), latents.dim(3));
}

} // namespace kinora::pipelines
