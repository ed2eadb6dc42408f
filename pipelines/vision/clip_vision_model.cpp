#include "pipelines/vision/clip_vision_model.h"

#include "kernels/base/error.h"
#include "kernels/ops/conv.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/norm.h"
#include "pipelines/blocks/activation_name.h"
#include "pipelines/blocks/clip_encoder_layer.h"
#include "pipelines/weights/config_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace kinora::pipelines {
namespace {

using kernels::Activation;
using kernels::DType;
using kernels::Tensor;

constexpr std::string_view kModel = "vision_model.";
constexpr int64_t kMostLayers = 200;

// What no shape tells.
struct Published {
    int64_t width, heads;
    Activation activation;
};
constexpr std::array<Published, 4> kPublished{{{768, 12, Activation::QuickGelu},
                                               {1024, 16, Activation::QuickGelu},
                                               {1280, 16, Activation::Gelu},
                                               {1664, 16, Activation::Gelu}}};

kernels::Shape shapeOf(const WeightSource& source, const std::string& name, int rank) {
    const auto found = source.find(name, {});
    if (!found || found->shape.rank() != rank)
        throw Error(ErrorCode::Unsupported,
                    source.label() + ": has no picture encoder of CLIP that is known here; '" +
                        name + "' is missing or has another shape.",
                    "Use the image_encoder that the adapter's makers publish beside it.");
    return found->shape;
}

void checkSizes(const ClipVisionConfig& config, const std::string& label) {
    const bool sane = config.width > 0 && config.heads > 0 && config.width % config.heads == 0 &&
                      config.patchSize > 0 && config.imageSize >= config.patchSize &&
                      config.imageSize % config.patchSize == 0 && config.imageSize <= 2048;
    if (!sane)
        throw Error(ErrorCode::BadFile, label + ": the sizes of its picture encoder disagree.",
                    "Fetch the file again.");
}

} // namespace

ClipVisionConfig ClipVisionConfig::fromJson(const nlohmann::json& json, std::string_view file) {
    ConfigReader reader(json, file);
    ClipVisionConfig config{};
    config.width = reader.integer("hidden_size", 768, 1, 65536);
    config.intermediate = reader.integer("intermediate_size", 3072, 1, 1'000'000);
    config.layers = reader.integer("num_hidden_layers", 12, 1, kMostLayers);
    config.heads = reader.integer("num_attention_heads", 12, 1, 1024);
    config.imageSize = reader.integer("image_size", 224, 1, 2048);
    config.patchSize = reader.integer("patch_size", 32, 1, 2048);
    config.projection = reader.integer("projection_dim", 512, 1, 65536);
    config.epsilon = static_cast<float>(reader.number("layer_norm_eps", 1e-5, 0, 1));
    config.activation = readActivation(reader, "hidden_act", "quick_gelu");
    reader.requireDefault("num_channels", 3);
    checkSizes(config, std::string(file));
    return config; // its other keys are about training
}

ClipVisionConfig ClipVisionConfig::fromWeights(const WeightSource& source) {
    const std::string model(kModel);
    const kernels::Shape patches = shapeOf(source, model + "embeddings.patch_embedding.weight", 4);
    const kernels::Shape positions =
        shapeOf(source, model + "embeddings.position_embedding.weight", 2);
    ClipVisionConfig config{};
    config.width = patches[0];
    config.patchSize = patches[3];
    config.imageSize =
        static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(positions[0] - 1)))) *
        config.patchSize;
    config.intermediate = shapeOf(source, model + "encoder.layers.0.mlp.fc1.weight", 2)[0];
    config.projection = shapeOf(source, "visual_projection.weight", 2)[0];
    while (config.layers < kMostLayers &&
           source.find(model + "encoder.layers." + std::to_string(config.layers) +
                           ".layer_norm1.weight",
                       {}))
        ++config.layers;
    config.epsilon = 1e-5f;
    const auto known = std::ranges::find(kPublished, config.width, &Published::width);
    if (known == kPublished.end())
        throw Error(ErrorCode::Unsupported,
                    source.label() + ": a picture encoder of width " +
                        std::to_string(config.width) + " is not one that is known here.",
                    "Keep its config.json beside it.");
    config.heads = known->heads;
    config.activation = known->activation;
    checkSizes(config, source.label());
    return config;
}

struct ClipVisionModel::Layers {
    ClipVisionConfig config;
    DType compute;
    Tensor first;     // the state that is pooled, [1,width]
    Tensor positions; // [1 + patches, width]
    kernels::Weight patches;
    NormWeights before, after;
    std::vector<ClipEncoderLayer> encoder;
    LinearWeights projection;

    Layers(const ClipVisionConfig& how, const Weights& root)
        : Layers(how, root, root / "vision_model") {}
    Layers(const ClipVisionConfig& how, const Weights& root, const Weights& weights)
        : config(how), compute(weights.compute()),
          first(kernels::convert((weights / "embeddings").vector("class_embedding", how.width),
                                 compute)
                    .reshape({1, how.width})),
          positions(weights.table("embeddings.position_embedding.weight", 1 + patchCount(how),
                                  how.width)),
          patches(weights.convolution("embeddings.patch_embedding", how.width, 3,
                                      static_cast<int>(how.patchSize),
                                      static_cast<int>(how.patchSize))),
          before(weights.norm("pre_layrnorm", how.width)), // as it is spelt in the files
          after(weights.norm("post_layernorm", how.width)),
          projection(root.linear("visual_projection", how.projection, how.width, Bias::No)) {
        encoder.reserve(static_cast<size_t>(how.layers));
        for (int64_t i = 0; i < how.layers; ++i)
            encoder.emplace_back(weights / ("encoder.layers." + std::to_string(i)),
                                 ClipLayerOptions{how.width, how.intermediate, how.heads,
                                                  how.epsilon, how.activation,
                                                  kernels::Causal::No});
        weights.ignore("embeddings.position_ids"); // 0, 1, 2 ... : older files store it
    }

    static int64_t patchCount(const ClipVisionConfig& how) {
        const int64_t side = how.imageSize / how.patchSize;
        return side * side;
    }
};

ClipVisionModel::ClipVisionModel(const ClipVisionConfig& config, const Weights& weights)
    : m_layers(std::make_unique<Layers>(config, weights)) {
    for (const char* other : {"text_model.", "text_projection.", "logit_scale"})
        weights.ignore(other); // of a file with both halves of CLIP
}

ClipVisionModel::~ClipVisionModel() = default;
ClipVisionModel::ClipVisionModel(ClipVisionModel&&) noexcept = default;

const ClipVisionConfig& ClipVisionModel::config() const {
    return m_layers->config;
}

ClipVisionResult ClipVisionModel::operator()(const Tensor& pixels) const {
    const Layers& layers = *m_layers;
    const ClipVisionConfig& config = layers.config;
    const int64_t count = Layers::patchCount(config);
    Tensor x = kernels::conv2d(
        kernels::convert(pixels, layers.compute), layers.patches, {},
        {.stride = static_cast<int>(config.patchSize), .padding = {}, .dilation = 1});
    const Tensor rows[] = {layers.first, x.reshape({count, config.width})};
    x = kernels::add(kernels::stack(rows), layers.positions).reshape({1, 1 + count, config.width});
    x = kernels::layerNorm(x, layers.before.scale, layers.before.shift, config.epsilon);
    ClipVisionResult result;
    for (size_t i = 0; i < layers.encoder.size(); ++i) {
        if (i + 1 == layers.encoder.size()) result.hidden = x;
        x = layers.encoder[i](std::move(x));
    }
    x = x.reshape({1 + count, config.width}).slice(0, 1);
    x = kernels::layerNorm(x, layers.after.scale, layers.after.shift, config.epsilon);
    result.pooled = layers.projection(x);
    return result;
}

void normaliseForClip(std::span<float> values) {
    constexpr std::array<float, 3> kMean{0.48145466f, 0.4578275f, 0.40821073f};
    constexpr std::array<float, 3> kDeviation{0.26862954f, 0.26130258f, 0.27577711f};
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = (values[i] - kMean[i % 3]) / kDeviation[i % 3];
}

} // namespace kinora::pipelines
