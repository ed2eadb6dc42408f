#include "pipelines/image/denoiser_input.h"

#include "kernels/base/error.h"

#include <string>

namespace kinora::pipelines {

DenoiserInput denoiserInput(const DenoiserConfig& denoiser, const VaeConfig& vae) {
    const int64_t latents = vae.latentChannels;
    if (denoiser.outChannels == latents) {
        if (denoiser.inChannels == latents) return DenoiserInput::Latents;
        if (denoiser.inChannels == 2 * latents + 1) return DenoiserInput::MaskAndMasked;
        if (denoiser.inChannels == 2 * latents) return DenoiserInput::Picture;
    }
    throw Error(ErrorCode::BadFile,
                "The model's parts do not fit together: the denoiser makes " +
                    std::to_string(denoiser.outChannels) + " channels of " +
                    std::to_string(denoiser.inChannels) + ", the VAE's latents have " +
                    std::to_string(latents) + ".",
                "Get the whole folder from one source.");
}

} // namespace kinora::pipelines
