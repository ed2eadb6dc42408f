#include "pipelines/image/denoiser_input.h"

#include "kernels/base/error.h"

#include <string>

namespace kinora::pipelines {

DenoiserInput denoiserInput(const Unet2dConfig& unet, const VaeConfig& vae) {
    const int64_t latents = vae.latentChannels;
    if (unet.outChannels == latents) {
        if (unet.inChannels == latents) return DenoiserInput::Latents;
        if (unet.inChannels == 2 * latents + 1) return DenoiserInput::MaskAndMasked;
        if (unet.inChannels == 2 * latents) return DenoiserInput::Picture;
    }
    throw Error(ErrorCode::BadFile,
                "The model's parts do not fit together: the denoiser makes " +
                    std::to_string(unet.outChannels) + " channels of " +
                    std::to_string(unet.inChannels) + ", the VAE's latents have " +
                    std::to_string(latents) + ".",
                "Get the whole folder from one source.");
}

} // namespace kinora::pipelines
