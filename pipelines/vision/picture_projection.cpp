#include "pipelines/vision/picture_projection.h"

#include "kernels/base/error.h"
#include "kernels/ops/attention.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/norm.h"

#include <string>
#include <utility>
#include <vector>

namespace kinora::pipelines {
namespace {

using kernels::Activation;
using kernels::Tensor;

constexpr float kEpsilon = 1e-5f;
constexpr int64_t kHeadWidth = 64, kExpansion = 4, kMostLayers = 64;

Tensor normed(const Tensor& x, const NormWeights& norm) {
    return kernels::layerNorm(x, norm.scale, norm.shift, kEpsilon);
}

int64_t extentOf(const WeightSource& source, const std::string& name, int axis) {
    const auto found = source.find(name, {});
    if (!found || found->shape.rank() <= axis || found->shape[axis] < 1)
        throw Error(ErrorCode::BadFile, source.label() + ": '" + name + "' is missing or damaged.",
                    "Fetch the file again.");
    return found->shape[axis];
}

// The pooled embedding, several tokens wide.
class PooledProjection final : public PictureProjection {
  public:
    PooledProjection(const IpAdapterFile& file, const Weights& weights)
        : m_width(file.tokenWidth()),
          m_linear(weights.linear("proj", extentOf(file.weights(), "image_proj.proj.weight", 0),
                                  file.pictureWidth())),
          m_norm(weights.norm("norm", file.tokenWidth())) {
        if (m_linear.weight.shape()[0] % m_width != 0)
            throw Error(ErrorCode::BadFile,
                        file.label() + ": its projection is no whole number of tokens.",
                        "Fetch the file again.");
    }

    Tensor operator()(const ClipVisionResult& picture) const override {
        return tokens(picture.pooled);
    }
    // An embedding of zeros, whatever the encoder says of nothing.
    Tensor negative(const ClipVisionResult& nothing) const override {
        kernels::Device& device = nothing.pooled.device();
        const float zero = 0;
        return tokens(
            kernels::multiply(nothing.pooled, device.fromHost(&zero, {1, 1}, kernels::DType::F32)));
    }

  private:
    Tensor tokens(const Tensor& pooled) const {
        const Tensor flat = m_linear(pooled);
        return normed(flat.reshape({1, flat.dim(-1) / m_width, m_width}), m_norm);
    }

    int64_t m_width;
    LinearWeights m_linear;
    NormWeights m_norm;
};

class HiddenProjection : public PictureProjection {
  public:
    Tensor operator()(const ClipVisionResult& picture) const override {
        return tokens(picture.hidden);
    }
    Tensor negative(const ClipVisionResult& nothing) const override {
        return tokens(nothing.hidden);
    }

  private:
    virtual Tensor tokens(const Tensor& hidden) const = 0;
};

// Every state becomes a token.
class FullProjection final : public HiddenProjection {
  public:
    FullProjection(const IpAdapterFile& file, const Weights& weights)
        : m_first(weights.linear("proj.0", file.pictureWidth(), file.pictureWidth())),
          m_second(weights.linear("proj.2", file.tokenWidth(), file.pictureWidth())),
          m_norm(weights.norm("proj.3", file.tokenWidth())) {}

  private:
    Tensor tokens(const Tensor& hidden) const override {
        return normed(m_second(m_first(hidden, Activation::Gelu)), m_norm);
    }

    LinearWeights m_first, m_second;
    NormWeights m_norm;
};

// Queries that were learnt look at the picture's states and at each other.
class ResamplerLayer {
  public:
    ResamplerLayer(const Weights& weights, int64_t width, int64_t attentionWidth)
        : m_pictureNorm(weights.norm("0.norm1", width)),
          m_queryNorm(weights.norm("0.norm2", width)),
          m_query(weights.linear("0.to_q", attentionWidth, width, Bias::No)),
          m_keyValue(weights.linear("0.to_kv", 2 * attentionWidth, width, Bias::No)),
          m_out(weights.linear("0.to_out", width, attentionWidth, Bias::No)),
          m_norm(weights.norm("1.0", width)),
          m_expand(weights.linear("1.1", kExpansion * width, width, Bias::No)),
          m_contract(weights.linear("1.3", width, kExpansion * width, Bias::No)),
          m_heads(static_cast<int>(attentionWidth / kHeadWidth)) {}

    // picture [1,P,width], queries [1,Q,width] -> [1,Q,width].
    Tensor operator()(const Tensor& picture, const Tensor& queries) const {
        const int64_t width = queries.dim(2), rows = picture.dim(1) + queries.dim(1);
        const Tensor own = normed(queries, m_queryNorm);
        const Tensor parts[] = {normed(picture, m_pictureNorm).reshape({picture.dim(1), width}),
                                own.reshape({queries.dim(1), width})};
        // Keys and values lie side by side in each row.
        const Tensor both = m_keyValue(kernels::stack(parts));
        const int64_t inner = both.dim(-1) / 2;
        const Tensor apart = kernels::permute(both.reshape({rows, 2, inner}), {1, 0, 2});
        const Tensor seen = kernels::attention(m_query(own), apart.slice(0, 1), apart.slice(1, 2),
                                               {.heads = m_heads});
        const Tensor x = m_out(seen, Activation::None, queries);
        return m_contract(m_expand(normed(x, m_norm), Activation::Gelu), Activation::None, x);
    }

  private:
    NormWeights m_pictureNorm, m_queryNorm;
    LinearWeights m_query, m_keyValue, m_out;
    NormWeights m_norm;
    LinearWeights m_expand, m_contract;
    int m_heads;
};

class ResampledProjection final : public HiddenProjection {
  public:
    ResampledProjection(const IpAdapterFile& file, const Weights& weights)
        : ResampledProjection(file, weights,
                              extentOf(file.weights(), "image_proj.proj_in.weight", 0)) {}

  private:
    ResampledProjection(const IpAdapterFile& file, const Weights& weights, int64_t width)
        : m_in(weights.linear("proj_in", width, file.pictureWidth())),
          m_out(weights.linear("proj_out", file.tokenWidth(), width)),
          m_norm(weights.norm("norm_out", file.tokenWidth())) {
        const WeightSource& source = file.weights();
        const int64_t queries = extentOf(source, "image_proj.latents", 1);
        m_queries =
            kernels::convert(weights.values("latents", {1, queries, width}), weights.compute());
        const int64_t inner = extentOf(source, "image_proj.layers.0.0.to_q.weight", 0);
        if (inner % kHeadWidth != 0)
            throw Error(ErrorCode::Unsupported,
                        file.label() + ": its heads are not " + std::to_string(kHeadWidth) +
                            " wide.",
                        "Fetch the file again.");
        while (std::ssize(m_layers) < kMostLayers &&
               weights.has("layers." + std::to_string(m_layers.size()) + ".0.to_q.weight"))
            m_layers.emplace_back(weights / ("layers." + std::to_string(m_layers.size())), width,
                                  inner);
    }

    Tensor tokens(const Tensor& hidden) const override {
        const Tensor picture = m_in(hidden);
        Tensor queries = m_queries;
        for (const ResamplerLayer& layer : m_layers) queries = layer(picture, queries);
        return normed(m_out(queries), m_norm);
    }

    LinearWeights m_in, m_out;
    NormWeights m_norm;
    Tensor m_queries; // [1,Q,width]
    std::vector<ResamplerLayer> m_layers;
};

} // namespace

std::unique_ptr<PictureProjection> makePictureProjection(const IpAdapterFile& file,
                                                         const Weights& weights) {
    const Weights own = weights / "image_proj";
    switch (file.kind()) {
    case IpAdapterKind::Pooled: return std::make_unique<PooledProjection>(file, own);
    case IpAdapterKind::Resampled: return std::make_unique<ResampledProjection>(file, own);
    case IpAdapterKind::Full: return std::make_unique<FullProjection>(file, own);
    }
    return nullptr;
}

} // namespace kinora::pipelines
