#include "pipelines/text/clip_text_model.h"

#include "kernels/base/error.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/norm.h"
#include "pipelines/blocks/activation_name.h"
#include "pipelines/blocks/clip_encoder_layer.h"
#include "pipelines/weights/config_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kinora::pipelines {
namespace {

using kernels::Tensor;

// Where a row's pooled state is read. Configs from before transformers 4.31 say 2, whatever the
// vocabulary: then the end token is the one with the highest id. Of several the first.
size_t endPosition(std::span<const int32_t> row, int32_t endToken) {
    constexpr int32_t kOldEndToken = 2;
    const auto end = endToken == kOldEndToken ? std::max_element(row.begin(), row.end())
                                              : std::find(row.begin(), row.end(), endToken);
    return end == row.end() ? 0 : static_cast<size_t>(end - row.begin());
}

// What transformers writes into a config and nothing here depends on.
void ignoreHarmless(ConfigReader& reader) {
    reader.ignore({"architectures",
                   "attention_dropout",
                   "dropout",
                   "bos_token_id",
                   "pad_token_id",
                   "dtype",
                   "torch_dtype",
                   "initializer_factor",
                   "initializer_range",
                   "transformers_version",
                   "return_dict",
                   "use_cache",
                   "output_hidden_states",
                   "output_attentions",
                   "torchscript",
                   "use_bfloat16",
                   "tie_word_embeddings",
                   "gradient_checkpointing",
                   "is_decoder",
                   "is_encoder_decoder",
                   "add_cross_attention",
                   "chunk_size_feed_forward",
                   "id2label",
                   "label2id",
                   "problem_type",
                   "tokenizer_class",
                   "prefix",
                   "finetuning_task",
                   "pruned_heads",
                   "max_length",
                   "min_length"});
}

} // namespace

ClipTextConfig ClipTextConfig::fromJson(const nlohmann::json& json, std::string_view file) {
    ConfigReader reader(json, file);
    reader.requireDefault("model_type", "clip_text_model");
    ClipTextConfig config{};
    config.vocabulary = reader.integer("vocab_size", 49408, 1, 10'000'000);
    config.width = reader.integer("hidden_size", 512, 1, 65536);
    config.intermediate = reader.integer("intermediate_size", 2048, 1, 1'000'000);
    config.layers = reader.integer("num_hidden_layers", 12, 1, 200);
    config.heads = reader.integer("num_attention_heads", 8, 1, 1024);
    config.positions = reader.integer("max_position_embeddings", 77, 1, 100'000);
    config.epsilon = static_cast<float>(reader.number("layer_norm_eps", 1e-5, 0, 1));
    config.activation = readActivation(reader, "hidden_act", "quick_gelu");
    config.endToken =
        static_cast<int32_t>(reader.integer("eos_token_id", 49407, 0, config.vocabulary - 1));
    config.projection = reader.integer("projection_dim", 512, 1, 65536);
    if (config.width % config.heads != 0)
        reader.badValue("num_attention_heads", "a divisor of \"hidden_size\"");
    ignoreHarmless(reader);
    reader.finish();
    return config;
}

struct ClipTextModel::Layers {
    ClipTextConfig config;
    Tensor tokens;    // [vocabulary, width]
    Tensor positions; // [positions, width]
    std::vector<ClipEncoderLayer> encoder;
    NormWeights finalNorm;
    std::optional<LinearWeights> projection;

    Layers(const ClipTextConfig& how, const Weights& weights)
        : config(how),
          tokens(weights.table("embeddings.token_embedding.weight", how.vocabulary, how.width)),
          positions(
              weights.table("embeddings.position_embedding.weight", how.positions, how.width)) {
        encoder.reserve(static_cast<size_t>(how.layers));
        for (int64_t i = 0; i < how.layers; ++i)
            encoder.emplace_back(weights / ("encoder.layers." + std::to_string(i)),
                                 ClipLayerOptions{how.width, how.intermediate, how.heads,
                                                  how.epsilon, how.activation,
                                                  kernels::Causal::Yes});
        finalNorm = weights.norm("final_layer_norm", how.width);
        weights.ignore("embeddings.position_ids"); // 0, 1, 2 ... : older files store it
    }
};

ClipTextModel::ClipTextModel(const ClipTextConfig& config, const Weights& weights,
                             TextPooling pooling)
    : m_layers(std::make_unique<Layers>(config, weights.has("text_model.final_layer_norm.weight")
                                                    ? weights / "text_model"
                                                    : weights)) {
    if (pooling == TextPooling::Projected)
        m_layers->projection =
            weights.linear("text_projection", config.projection, config.width, Bias::No);
    else
        weights.ignore("text_projection."); // of the pooled embedding, which nobody wants
}

ClipTextModel::~ClipTextModel() = default;
ClipTextModel::ClipTextModel(ClipTextModel&&) noexcept = default;

const ClipTextConfig& ClipTextModel::config() const {
    return m_layers->config;
}

// states: of the last layer, [n, length, width] -> [n, projection] f32.
Tensor ClipTextModel::pooled(const Tensor& states, std::span<const int32_t> ids) const {
    const Layers& layers = *m_layers;
    const int64_t rows = states.dim(0), length = states.dim(1), width = states.dim(2);
    const Tensor flat = states.reshape({rows * length, width});
    std::vector<Tensor> ends;
    for (int64_t row = 0; row < rows; ++row) {
        const auto first = static_cast<size_t>(row * length);
        const auto end =
            endPosition(ids.subspan(first, static_cast<size_t>(length)), layers.config.endToken);
        const auto at = static_cast<int64_t>(first + end);
        ends.push_back(flat.slice(at, at + 1));
    }
    const Tensor normed = kernels::layerNorm(kernels::stack(ends), layers.finalNorm.scale,
                                             layers.finalNorm.shift, layers.config.epsilon);
    return kernels::convert((*layers.projection)(normed), kernels::DType::F32);
}

// -> [ids, width]: the tokens' vectors, and those that are placed.
Tensor ClipTextModel::embedded(std::span<const int32_t> ids,
                               std::span<const PlacedVector> placed) const {
    const Tensor& table = m_layers->tokens;
    const Tensor known = kernels::embedding(table, ids);
    if (placed.empty()) return known;
    std::vector<Tensor> parts;
    int64_t next = 0;
    for (const PlacedVector& vector : placed) {
        if (vector.at > next) parts.push_back(known.slice(next, vector.at));
        const Tensor row =
            table.device().fromHost(vector.values.data(), {1, table.dim(1)}, kernels::DType::F32);
        parts.push_back(kernels::convert(row, table.dtype()));
        next = vector.at + 1;
    }
    if (next < known.dim(0)) parts.push_back(known.slice(next, known.dim(0)));
    return kernels::stack(parts);
}

ClipTextResult ClipTextModel::encode(std::span<const int32_t> ids, int64_t length,
                                     const ClipTextOptions& options,
                                     std::span<const PlacedVector> placed) const {
    const Layers& layers = *m_layers;
    const ClipTextConfig& config = layers.config;
    if (length < 1 || length > config.positions || ids.size() % static_cast<size_t>(length) != 0)
        throw Error(ErrorCode::InvalidArgument, "The text encoder takes 1 to " +
                                                    std::to_string(config.positions) +
                                                    " tokens, not " + std::to_string(length) + ".");
    if (options.skip < 1 || options.skip > config.layers + 1)
        throw Error(ErrorCode::InvalidArgument,
                    "Clip skip " + std::to_string(options.skip) +
                        " is out of range: the text encoder has " + std::to_string(config.layers) +
                        " layers.",
                    "Use 1 for the last layer, 2 for the one before it, up to one more than there "
                    "are layers for what goes into the first.");
    const auto rows = static_cast<int64_t>(ids.size()) / length;
    Tensor x = embedded(ids, placed).reshape({rows, length, config.width});
    x = kernels::add(x, layers.positions.slice(0, length).reshape({1, length, config.width}));
    const int64_t wanted = config.layers - (options.skip - 1);
    for (int64_t i = 0; i < wanted; ++i) x = layers.encoder[static_cast<size_t>(i)](std::move(x));
    ClipTextResult result;
    result.hidden = options.finalNorm ? kernels::layerNorm(x, layers.finalNorm.scale,
                                                           layers.finalNorm.shift, config.epsilon)
                                      : x;
    if (!layers.projection) return result;
    for (int64_t i = wanted; i < config.layers; ++i) x = layers.encoder[static_cast<size_t>(i)](x);
    result.pooled = pooled(x, ids);
    return result;
}

} // namespace kinora::pipelines
