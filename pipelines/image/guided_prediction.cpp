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
Tensor guidanceCondition(const GuidedDenoiser& how, size_t rows) {
    const int64_t width = how.denoiser.config().timeConditionWidth;
    if (width == 0) return {};
    const std::vector<float> guidance(rows, static_cast<float>((*how.request.cfg - 1) * 1000));
    return kernels::timestepEmbedding(how.device, guidance, static_cast<int>(width),
                                      {.flipSinToCos = false, .frequencyShift = 1});
}

struct Call {
    const GuidedDenoiser& how;
    const PromptEmbeddings& negative;
    Tensor latents;  // as the scheduler scales them
    Tensor channels; // that the denoiser is shown besides; often none
    double timestep;
    RunStretch stretch;

    // Rows of prompts of equal length, each for every picture: all of the first prompt's first. The
    // last `perturbed` prompts are seen as perturbed-attention guidance has it.
    Tensor operator()(std::span<const PromptEmbeddings* const> prompts,
                      size_t perturbed = 0) const {
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
        const std::vector<PicturePrompt> pictures = picturesFor(prompts);
        return how.denoiser(channels ? one(samples) : rows.samples,
                            {.timesteps = rows.timesteps,
                             .prompts = rows.embeddings,
                             .timeCondition = guidanceCondition(how, rows.timesteps.size()),
                             .addition = additions.empty() ? Tensor{} : one(additions),
                             .residuals = how.control.residuals(rows, stretch),
                             .pictures = pictures,
                             .freeU = how.freeU,
                             .perturbed = {rowsOf(prompts.last(perturbed)), how.perturbedLayers}});
    }

    int64_t rowsOf(std::span<const PromptEmbeddings* const> prompts) const {
        int64_t rows = 0;
        for (const PromptEmbeddings* told : prompts)
            rows += told->embeddings.dim(0) * latents.dim(0);
        return rows;
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
    const double perturbs =
        attentionScale(request.pag.value_or(0), request.pagAdaptive.value_or(0), timestep);
    // What guidance pulls away from, what it pulls to, and that once more, perturbed.
    const PromptEmbeddings* const told[] = {&stage.negative, &stage.positive, &stage.positive};
    const std::span all(told);
    const size_t perturbed = perturbs > 0 ? 1 : 0;
    const auto positive = all.subspan(1, 1 + perturbed);
    const bool negates = static_cast<bool>(stage.negative.embeddings);
    // Prompts of other lengths do not fit into one call.
    const bool fits =
        negates && stage.negative.embeddings.dim(1) == stage.positive.embeddings.dim(1);
    Tensor output = !negates ? denoiser(positive, perturbed)
                    : fits   ? denoiser(all.first(2 + perturbed), perturbed)
                             : one({denoiser(all.first(1)), denoiser(positive, perturbed)});
    const int64_t pictures = input.dim(0);
    Tensor more;
    if (perturbed) {
        const int64_t rows = stage.positive.embeddings.dim(0) * pictures;
        const int64_t end = output.dim(0) - rows;
        more = attentionGuidance(output.slice(end - rows, end), output.slice(end, end + rows),
                                 prompts.weights, perturbs);
        output = output.slice(0, end);
    }
    const auto withMore = [&](const Tensor& guided) {
        return more ? kernels::add(guided, more) : guided;
    };
    if (!negates) return withMore(output);
    if (prompts.weights.size() > 1 || prompts.weights.front() != 1) {
        const Tensor joined = composed(output, prompts.weights, pictures);
        if (!prompts.guided) return withMore(joined);
        output = one({output.slice(0, pictures), joined});
    }
    if (how.edits) {
        const Tensor nothing = kernels::linearCombination({{0, how.channels}});
        const Tensor blind = callOn(nothing)(all.first(1));
        return withMore(guideEdit(one({blind, output}), *request.cfg, *request.imageCfg));
    }
    return guide(output, *request.cfg, *request.guidanceRescale, more);
}

} // namespace kinora::pipelines
