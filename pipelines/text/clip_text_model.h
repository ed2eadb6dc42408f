#pragma once
// CLIP's text transformer: token ids to prompt embeddings.
// Source: Radford et al. 2021; names and numbers as transformers' CLIPTextModel.

#include "pipelines/weights/weights.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <span>
#include <string_view>

namespace kinora::pipelines {

struct ClipTextConfig {
    int64_t vocabulary, width, intermediate, layers, heads, positions;
    float epsilon;
    kernels::Activation activation;
    int32_t endToken;
    // Throws Error{Unsupported} naming a key whose value is unknown, Error{BadFile} on a wrong type
    // or an absurd value. file: how errors name the config.
    static ClipTextConfig fromJson(const nlohmann::json& config,
                                   std::string_view file = "text_encoder/config.json");
};

class ClipTextModel {
  public:
    // Keys with and without the "text_model." prefix.
    ClipTextModel(const ClipTextConfig& config, const Weights& weights);
    ~ClipTextModel();
    ClipTextModel(ClipTextModel&&) noexcept;

    // ids: n rows of `length` -> hidden states [n, length, width] in the compute dtype, after the
    // final layer norm. skip: 1 the last layer's, 2 the one before it ...
    kernels::Tensor operator()(std::span<const int32_t> ids, int64_t length, int skip = 1) const;

    const ClipTextConfig& config() const;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

} // namespace kinora::pipelines
