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
    int64_t projection; // width of the pooled embedding, where the model has one
    // Throws Error{Unsupported} naming a key whose value is unknown, Error{BadFile} on a wrong type
    // or an absurd value. file: how errors name the config.
    static ClipTextConfig fromJson(const nlohmann::json& config,
                                   std::string_view file = "text_encoder/config.json");
};

// Whether a model has the projection of a pooled embedding ("CLIPTextModelWithProjection").
enum class TextPooling { None, Projected };

struct ClipTextOptions {
    // 1: the last layer's states, 2: those of the one before it ...; one more than there are
    // layers: what goes into the first.
    int skip = 1;
    bool finalNorm = true; // off: as the layer gives them (SDXL)
};

// A vector in the place of a token's: textual inversion.
struct PlacedVector {
    int64_t at;                    // of all ids
    std::span<const float> values; // width of them
};

struct ClipTextResult {
    kernels::Tensor hidden; // [n, length, width] in the compute dtype
    kernels::Tensor pooled; // [n, projection] f32; undefined without TextPooling::Projected
};

class ClipTextModel {
  public:
    // Keys with and without the "text_model." prefix.
    ClipTextModel(const ClipTextConfig& config, const Weights& weights,
                  TextPooling pooling = TextPooling::None);
    ~ClipTextModel();
    ClipTextModel(ClipTextModel&&) noexcept;

    // ids: n rows of `length`, 1 to config().positions. The pooled embedding is the projection of
    // the last layer's state at the end token, whatever layer is asked for. Throws
    // Error{InvalidArgument} where there are not enough layers for `skip`. placed: by their places.
    ClipTextResult encode(std::span<const int32_t> ids, int64_t length,
                          const ClipTextOptions& options,
                          std::span<const PlacedVector> placed = {}) const;
    // Hidden states alone, after the final layer norm.
    kernels::Tensor operator()(std::span<const int32_t> ids, int64_t length, int skip = 1) const {
        return encode(ids, length, {.skip = skip}).hidden;
    }

    const ClipTextConfig& config() const;

  private:
    kernels::Tensor embedded(std::span<const int32_t> ids,
                             std::span<const PlacedVector> placed) const;
    kernels::Tensor pooled(const kernels::Tensor& states, std::span<const int32_t> ids) const;

    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

} // namespace kinora::pipelines
