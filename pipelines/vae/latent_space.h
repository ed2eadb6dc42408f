#pragma once
// Which of the common families' latents an autoencoder makes: those of one space mean the same to
// every network that was trained on them.

#include "pipelines/vae/vae_config.h"

#include <optional>

namespace kinora::pipelines {

enum class LatentSpace { StableDiffusion, StableDiffusionXl };

// Known by channels and scaling factor: SD 1.x and 2.x (4, 0.18215), SDXL (4, 0.13025). nullopt for
// any other, and where channels have means.
std::optional<LatentSpace> latentSpaceOf(const VaeConfig& vae);

// "Stable Diffusion 1.x and 2.x", for messages.
const char* latentSpaceName(LatentSpace space);

} // namespace kinora::pipelines
