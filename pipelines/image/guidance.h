#pragma once
// Classifier-free guidance.

#include "kernels/tensor/tensor.h"

#include <span>

namespace kinora::pipelines {

// output [2N,h,w,C] f32, the negative prompt's half first -> [N,h,w,C]:
//     g = negative + scale * (positive - negative)
// With rescale > 0, g is mixed with g brought to the positive half's standard deviation:
//     rescale * g * std(positive) / std(g) + (1 - rescale) * g
// more [N,h,w,C], where defined, is added to g before that (attentionGuidance).
// Sources: Ho and Salimans 2022; Lin et al. 2023, section 3.4.
kernels::Tensor guide(const kernels::Tensor& output, double scale, double rescale,
                      const kernels::Tensor& more = {});

// How strongly perturbed-attention guidance counts at a timestep: scale, less `fading` for each
// timestep below 1000, at least 0. Source: diffusers' pag_adaptive_scale.
double attentionScale(double scale, double fading, double timestep);

// positive and perturbed [KN,h,w,C] f32: what K prompts gave, all pictures of the first one first;
// weights: of the prompts -> [N,h,w,C], what guidance adds:
//     scale * sum of weight_i * (positive_i - perturbed_i)
// Source: Ahn et al. 2024, equation 9.
kernels::Tensor attentionGuidance(const kernels::Tensor& positive, const kernels::Tensor& perturbed,
                                  std::span<const double> weights, double scale);

// output [3N,h,w,C] f32: without prompt and picture, with the picture, with both -> [N,h,w,C]:
//     neither + scale * (both - picture) + imageScale * (picture - neither)
// Source: Brooks et al. 2023, equation 3.
kernels::Tensor guideEdit(const kernels::Tensor& output, double scale, double imageScale);

} // namespace kinora::pipelines
