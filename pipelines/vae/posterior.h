#pragma once
// From the moments that an encoder gives to latents.
// Source: Kingma and Welling 2014; numbers as diffusers' DiagonalGaussianDistribution.

#include "pipelines/vae/vae_config.h"

namespace kinora::pipelines {

// moments [1,h,w,2C] f32 of one picture: means, then logarithms of variances; noise [N,h,w,C] f32
// of unit variance -> N draws [N,h,w,C], each as the denoiser sees latents, scaled as vae says:
//     mean + exp(clamp(logVariance, -30, 20) / 2) * noise
kernels::Tensor samplePosterior(const kernels::Tensor& moments, const kernels::Tensor& noise,
                                const VaeConfig& vae);

// The means alone, [1,h,w,C], not scaled.
kernels::Tensor posteriorMean(const kernels::Tensor& moments);

} // namespace kinora::pipelines
