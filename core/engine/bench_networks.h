#pragma once
// The networks that a bench runs, on any device, with random weights.

#include "core/engine/bench.h"
#include "kernels/backend/device.h"
#include "pipelines/denoisers/denoiser.h"
#include "pipelines/text/clip_text_model.h"
#include "pipelines/vae/autoencoder_kl.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/random_weights.h"

#include <memory>
#include <optional>
#include <vector>

namespace kinora::core {

class BenchNetworks {
  public:
    // Makes the networks that options.part needs, as the model's configs say; its weights are not
    // read. Throws Error{BadFile, Unsupported}, Error{InvalidArgument} on a size that they cannot
    // take, Error{OutOfMemory}, Cancelled.
    BenchNetworks(const pipelines::Model& model, const BenchOptions& options,
                  kernels::Device& device, kernels::DType compute);

    void run() const;

  private:
    kernels::Tensor encode(int64_t prompts) const;
    // What a denoiser of the SDXL kind is told besides the prompt; undefined for others.
    kernels::Tensor addition(int64_t samples) const;
    void denoise(int64_t samples, const kernels::Tensor& prompts, int64_t steps) const;
    void decode() const;
    // Numbers about as large as latents are: zeros and denormals would take another time.
    kernels::Tensor filled(const kernels::Shape& shape) const;

    const BenchOptions& m_options;
    kernels::Device& m_device;
    kernels::DType m_compute;
    pipelines::RandomWeights m_source;
    pipelines::Weights m_weights;
    int64_t m_latentWidth = 0, m_latentHeight = 0;
    std::vector<pipelines::ClipTextModel> m_texts;
    std::unique_ptr<pipelines::Denoiser> m_denoiser;
    std::optional<pipelines::AutoencoderKlDecoder> m_vae;
};

} // namespace kinora::core
