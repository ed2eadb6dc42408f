#pragma once
// From pictures as people have them to what an autoencoder's encoder and a denoiser take.

#include "kernels/backend/device.h"
#include "pipelines/image/host_tensor.h"
#include "pipelines/vae/vae_config.h"
#include "pipelines/weights/model.h"

namespace kinora::pipelines {

// picture [H,W,3 or 4] in 0..1, alpha straight -> [1,H,W,inChannels] f32 in -1..1. Where the
// autoencoder has no alpha, the picture lies on white; where its alpha means a colour over white,
// the colour is that. One channel is luma, two are luma and alpha. On the meta back end the values
// of the picture do not count.
// Throws Error{Unsupported} for an autoencoder of more than four channels.
kernels::Tensor autoencoderInput(const HostTensor& picture, const VaeConfig& vae,
                                 AlphaMeaning alpha, kernels::Device& device);

// mask [H,W,1] in 0..1 -> [1,H,W,1] f32: 1 from 0.5 on, else 0.
kernels::Tensor binaryMask(const HostTensor& mask, kernels::Device& device);

} // namespace kinora::pipelines
