#pragma once
// CLIP's picture transformer: what IP-Adapters look at pictures with.
// Source: Dosovitskiy et al. 2021, Radford et al. 2021; names and numbers as transformers'
// CLIPVisionModelWithProjection.

#include "pipelines/weights/weights.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string_view>

namespace kinora::pipelines {

struct ClipVisionConfig {
    int64_t width, intermediate, layers, heads, projection;
    int64_t imageSize, patchSize; // pixels of a side
    float epsilon;
    kernels::Activation activation;

    // Throws Error{Unsupported} naming a key whose value is unknown, Error{BadFile} on a wrong type
    // or an absurd value. file: how errors name the config.
    static ClipVisionConfig fromJson(const nlohmann::json& config, std::string_view file);
    // Of a file without a config, by its shapes; heads and activation are those of the published
    // model of that width (OpenAI's B and L, OpenCLIP's H and bigG). Throws Error{Unsupported}.
    static ClipVisionConfig fromWeights(const WeightSource& source);
};

struct ClipVisionResult {
    kernels::Tensor hidden; // [1, 1 + patches, width] before the last layer, compute dtype
    kernels::Tensor pooled; // [1, projection] compute dtype
};

class ClipVisionModel {
  public:
    ClipVisionModel(const ClipVisionConfig& config, const Weights& weights);
    ~ClipVisionModel();
    ClipVisionModel(ClipVisionModel&&) noexcept;

    // pixels [1,imageSize,imageSize,3] f32, less the mean, divided by the deviation of the pictures
    // that it was trained on (normaliseForClip).
    ClipVisionResult operator()(const kernels::Tensor& pixels) const;

    const ClipVisionConfig& config() const;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

// Values in 0..1 of pixels in red, green and blue, as CLIP wants them.
void normaliseForClip(std::span<float> values);

} // namespace kinora::pipelines
