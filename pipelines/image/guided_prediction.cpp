#include "pipelines/image/guided_prediction.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"
#include "pipelines/image/guidance.h"

#include <numeric>
#include <span>
#include <vector>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

Tensor one(const std::vector<Tensor>& parts) {
    return parts.size() == 1 ? parts.front() : kernels::stack(parts);
}

// Guidance as an input, as LCM's denoisers take it; undefined for others.
Tensor guidanceCondition(const Unet2d& unet, kernels::Device& device, double scale, size_t rows) {
    const int64_t width = unet.config().timeConditionWidth;
    if (width == 0) return {};
    const std::vector<float> guidance(rows, static_cast<float>((scale - 1) * 1000));
    return kernels::timestepEmbedding(device, guidance, static_cast<int>(width),
                                      {.flipSinToCos = false, .frequencyShift = 1});
}

struct Call {
    const GuidedDenoiser& how;
    const PromptEmbeddings& negative;
    Tensor latents;  // as the scheduler scales them
    Tensor channels; // that the denoiser is shown besides; often none
    double timestep;
    RunStretch stretch;

    // Rows of prompts of equal length, each for every picture: all of the first prompt's first.
    Tensor operator()(std::span<const PromptEmbeddings* const> prompts) const {
        const Tensor sample = channels ? kernels::concat({latents, channels}) : latents;
        std::vector<Tensor> samples, plain, embeddings, additions;
        std::vector<std::vector<Tensor>> controlAdditions;
        DenoiserRows rows;
        for (const PromptEmbeddings* told : prompts) {
            controlAdditions.resize(told->controlAdditions.size());
            for (int64_t row = 0; row < told->embeddings.dim(0); ++row) {
                samples.push_back(sample);
                plain.push_back(latents);
                for (int64_t picture = 0; picture < latents.dim(0); ++picture) {
                    embeddings.push_back(told->embeddings.slice(row, row + 1));
                    if (told->addition) additions.push_back(told->addition.slice(row, row + 1));
                    for (size_t i = 0; i < controlAdditions.size(); ++i)
                        controlAdditions[i].push_back(
                            told->controlAdditions[i].slice(row, row + 1));
                    rows.negative += told == &negative ? 1 : 0;
                }
            }
        }
        rows.samples = one(plain);
        rows.embeddings = one(embeddings);
        rows.timesteps.assign(embeddings.size(), static_cast<float>(timestep));
        for (const std::vector<Tensor>& parts : controlAdditions)
            rows.controlAdditions.push_back(one(parts));
        return how.unet(
            channels ? one(samples) : rows.samples, rows.timesteps, rows.embeddings,
            guidanceCondition(how.unet, how.device, *how.request.cfg, rows.timesteps.size()),
            additions.empty() ? Tensor{} : one(additions), how.control.residuals(rows, stretch),
            picturesFor(prompts));
    }

    // In the order of operator().
    std::vector<PicturePrompt> picturesFor(std::span<const PromptEmbeddings* const> prompts) const {
        std::vector<PicturePrompt> pictures;
        for (size_t i = 0; i < prompts.front()->pictures.size(); ++i) {
            std::vector<Tensor> tokens;
            for (const PromptEmbeddings* told : prompts)
                tokens.insert(tokens.end(),
                              static_cast<size_t>(told->embeddings.dim(0) * latents.dim(0)),
                              told->pictures[i].tokens);
            const PicturePrompt& picture = prompts.front()->pictures[i];
            pictures.push_back({one(tokens), picture.strength, picture.adapter});
        }
        return pictures;
    }
};

// outputs: [(1 + weights) * N,h,w,C], the negative prompt's first.
Tensor composed(const Tensor& outputs, std::span<const double> weights, int64_t pictures) {
    const Tensor negative = outputs.slice(0, pictures);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    Tensor positive = kernels::linearCombination({{1 - sum, negative}});
    for (size_t i = 0; i < weights.size(); ++i) {
        const int64_t first = static_cast<int64_t>(i + 1) * pictures;
        positive = kernels::linearCombination(
            {{1.0, positive}, {weights[i], outputs.slice(first, first + pictures)}});
    }
    return positive;
}

} // namespace

Tensor predictGuided(const GuidedDenoiser& how, int64_t call, const Tensor& input,
                     double timestep) {
    const ImageRequest& request = how.request;
    const EncodedPrompts& prompts = how.prompts;
    const EncodedPrompts::Stage& stage = prompts.at(call);
    const auto at = [&](int64_t calls) {
        return static_cast<double>(calls) / static_cast<double>(how.calls);
    };
    const auto callOn = [&](const Tensor& channels) {
        return Call{how, stage.negative, input, channels, timestep, {at(call), at(call + 1)}};
    };
    const Call denoiser = callOn(how.channels);
    const PromptEmbeddings* const both[] = {&stage.negative, &stage.positive};
    const std::span<const PromptEmbeddings* const> all(both);
    if (!stage.negative.embeddings) return denoiser(all.subspan(1));
    // Prompts of other lengths do not fit into one call.
    const bool fits = stage.negative.embeddings.dim(1) == stage.positive.embeddings.dim(1);
    Tensor output =
        fits ? denoiser(all) : one({denoiser(all.subspan(0, 1)), denoiser(all.subspan(1))});
    const int64_t pictures = input.dim(0);
    if (prompts.weights.size() > 1 || prompts.weights.front() != 1) {
        const Tensor positive = composed(output, prompts.weights, pictures);
        if (!prompts.guided) return positive;
        output = one({output.slice(0, pictures), positive});
    }
    if (how.edits) {
        const Tensor nothing = kernels::linearCombination({{0, how.channels}});
        const Tensor blind = callOn(nothing)(all.subspan(0, 1));
        return guideEdit(one({blind, output}), *request.cfg, *request.imageCfg);
    }
    return guide(output, *request.cfg, *request.guidanceRescale);
}

} // namespace kinora::pipelines
