#include "pipelines/image/run_preview.h"

#include "kernels/base/error.h"
#include "kernels/base/rounding.h"
#include "pipelines/vae/latent_preview.h"
#include "pipelines/vae/tiny_preview.h"
#include "pipelines/vae/vae.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/weights.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr double kLittle = 0.05; // of the steps' time

std::unique_ptr<PreviewDecoder> makeMatrix(const Model& model) {
    const ModelExtras& extras = model.extras();
    PreviewFactors factors{extras.previewFactors, extras.previewBias};
    if (factors.empty())
        factors =
            knownPreviewFactors(readVaeConfig(model.trainedVaeConfig(), model.configLabel("vae")));
    if (factors.empty()) return nullptr;
    return std::make_unique<MatrixPreview>(std::move(factors));
}

std::unique_ptr<PreviewDecoder> makeTiny(const Model& model, kernels::Device& device,
                                         kernels::DType compute, const PreviewChoice& choice) {
    const nlohmann::json& config =
        choice.vae && choice.vae->config() ? *choice.vae->config() : model.config("vae");
    const std::string label =
        choice.vae ? choice.vae->path().filename().string() : model.configLabel("vae");
    const VaeConfig own = readVaeConfig(model.config("vae"), model.configLabel("vae")),
                    tiny = readVaeConfig(config, label);
    if (tiny.latentChannels != own.latentChannels || tiny.factor() != own.factor() ||
        tiny.outChannels != 3)
        throw Error(ErrorCode::Unsupported,
                    label + ": cannot make previews of this model: it makes " +
                        std::to_string(tiny.outChannels) + " channels of " +
                        std::to_string(tiny.latentChannels) + " latent ones.",
                    "Use the small autoencoder of the model's own family.");
    const auto source = choice.vae ? choice.vae->weights(config) : model.weights("vae");
    const Weights weights(*source, device, compute);
    return std::make_unique<TinyPreview>(makeVaeDecoder(config, label, weights), choice.pooling);
}

} // namespace

std::unique_ptr<PreviewDecoder> makePreviewDecoder(const Model& model, kernels::Device& device,
                                                   kernels::DType compute,
                                                   const PreviewChoice& choice) {
    return choice.kind == PreviewKind::Tiny ? makeTiny(model, device, compute, choice)
                                            : makeMatrix(model);
}

int64_t poolingFor(int64_t longerSidePixels) {
    return std::max<int64_t>(ceilDiv(longerSidePixels, kLargestPreviewPixels), 1);
}

std::optional<int64_t> cheapPooling(int64_t longerSidePixels, double share) {
    const int64_t least = poolingFor(longerSidePixels);
    for (int64_t pooling = least;
         pooling == least || longerSidePixels / pooling >= kSmallestPreviewPixels; ++pooling) {
        const double smaller = static_cast<double>(least) / static_cast<double>(pooling);
        if (share * smaller * smaller <= kLittle) return pooling;
    }
    return std::nullopt;
}

} // namespace kinora::pipelines
