#pragma once
// The steps from noise to latents: the scheduler scales, the denoiser predicts, the scheduler
// steps, until all calls are done.
//
//     const auto scheduler = makeScheduler(...);
//     Tensor latents = linearCombination({{scheduler->initialNoiseSigma(), noise}});
//     latents = denoise(*scheduler, batchNoise, latents, 0, DType::F32, predict, stepDone);

#include "kernels/tensor/tensor.h"
#include "pipelines/noise/noise_generator.h"
#include "pipelines/schedulers/scheduler.h"

#include <cstdint>
#include <functional>

namespace kinora::pipelines {

// Input as the scheduler scales it, [N,h,w,C] f32 -> the denoiser's output of the same shape, with
// guidance mixed in.
using Predict = std::function<kernels::Tensor(const kernels::Tensor& input, double timestep)>;
// The latents after the step before call `nextCall` -> those that the run goes on with.
using Adjust = std::function<kernels::Tensor(const kernels::Tensor& latents, int nextCall)>;
// `calls` of the scheduler's are done; these are the latents now.
using StepDone = std::function<void(int64_t calls, const kernels::Tensor& latents)>;

// latents: [N,h,w,C] f32 after `calls` calls of the scheduler, which remembers them; on to `end`.
// compute: what errors call the denoiser's precision. Throws Error{NonFinite}, and what the
// functions throw.
kernels::Tensor denoise(Scheduler& scheduler, BatchNoise& noise, kernels::Tensor latents,
                        int64_t calls, int64_t end, kernels::DType compute, const Predict& predict,
                        const Adjust& adjust, const StepDone& stepDone);

} // namespace kinora::pipelines
