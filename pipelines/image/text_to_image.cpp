#include "pipelines/image/text_to_image.h"

#include "kernels/base/error.h"
#include "kernels/base/log.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/reduce.h"
#include "pipelines/image/background.h"
#include "pipelines/image/guidance.h"
#include "pipelines/image/latents_file.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

constexpr double kGuidanceOff = 1.0; // at 1 the negative prompt has no weight and is not computed

// part: "The text encoder".
[[noreturn]] void throwNonFinite(const std::string& part, DType compute) {
    const bool full = compute == DType::F32;
    const std::string message = part + " gave values that are not numbers (NaN or infinite) in " +
                                std::string(kernels::dtypeName(compute)) + " precision.";
    throw Error(ErrorCode::NonFinite, message,
                full ? "Its weights may be damaged: fetch the model again. A lower guidance scale "
                       "or another sampler may help too."
                     : "Try --precision f32, a lower guidance scale or another sampler.");
}

} // namespace

TextToImage::TextToImage(const Model& model, kernels::Device& device, DType compute,
                         const TextToImageEvents& events)
    : m_model(model), m_device(device), m_compute(compute),
      m_tokenizer(ClipTokenizer::load(model.componentPath("tokenizer"))) {
    struct Component {
        const char* name;
        const char* label;
        std::unique_ptr<WeightSource> source;
        int64_t bytes;
    };
    std::vector<Component> components;
    int64_t allBytes = 0;
    for (const auto& [name, label] : {std::pair{"text_encoder", "text encoder"},
                                      std::pair{"unet", "denoiser"}, std::pair{"vae", "VAE"}}) {
        components.push_back({name, label, model.weights(name), 0});
        components.back().bytes = components.back().source->totalBytes();
        allBytes += components.back().bytes;
    }
    int64_t bytesBefore = 0;
    for (const Component& component : components) {
        const auto progress = [&](int64_t bytesRead) {
            if (events.loading)
                events.loading(component.label,
                               static_cast<double>(bytesBefore + bytesRead) /
                                   static_cast<double>(std::max<int64_t>(allBytes, 1)));
        };
        const Weights weights(*component.source, device, compute, progress);
        const auto& config = model.config(component.name);
        const std::string name = component.name;
        const std::string label = model.configLabel(name);
        if (name == "text_encoder")
            m_textEncoder =
                std::make_unique<ClipTextModel>(ClipTextConfig::fromJson(config, label), weights);
        else if (name == "unet")
            m_unet = std::make_unique<Unet2d>(Unet2dConfig::fromJson(config, label), weights);
        else
            m_decoder = std::make_unique<AutoencoderKlDecoder>(
                AutoencoderKlConfig::fromJson(config, label), weights);
        for (const std::string& unused : weights.unused()) m_unused.push_back(name + "/" + unused);
        bytesBefore += component.bytes;
    }
    checkComponentsAgree();
    m_preview = extras().previewFactors.empty()
                    ? knownPreviewFactors(m_decoder->config())
                    : PreviewFactors{extras().previewFactors, extras().previewBias};
}

void TextToImage::checkComponentsAgree() const {
    const auto refuse = [](const std::string& what) {
        throw Error(ErrorCode::BadFile, "The model's parts do not fit together: " + what + ".",
                    "Get the whole folder from one source.");
    };
    if (m_textEncoder->config().width != m_unet->config().crossAttentionWidth)
        refuse("the text encoder gives " + std::to_string(m_textEncoder->config().width) +
               " values a token, the denoiser expects " +
               std::to_string(m_unet->config().crossAttentionWidth));
    if (m_unet->config().outChannels != m_decoder->config().latentChannels ||
        m_unet->config().inChannels != m_decoder->config().latentChannels)
        refuse("the denoiser works on " + std::to_string(m_unet->config().inChannels) + " to " +
               std::to_string(m_unet->config().outChannels) + " latent channels, the VAE on " +
               std::to_string(m_decoder->config().latentChannels));
    if (m_tokenizer.maxLength() > m_textEncoder->config().positions ||
        m_tokenizer.vocabularySize() > m_textEncoder->config().vocabulary)
        refuse("the tokenizer has more tokens than the text encoder knows");
}

void TextToImage::run(const ImageRequest& request, const TextToImageEvents& events) {
    m_device.arena().trim(); // the peak is this run's own, whatever ran before
    const Prompt prompt = encodePrompt(request);
    if (events.encoded) events.encoded();
    const int64_t batch = std::clamp<int64_t>(request.batch, 1, request.count);
    LatentsFile::Writer finalLatents(request.saveLatentsPath);
    for (int64_t first = 0; first < request.count; first += batch) {
        const int64_t pictures = std::min(batch, request.count - first);
        BatchNoise noise(request.noise, static_cast<uint64_t>(*request.seed + first), pictures);
        Tensor latents = startNoise(request, first, pictures, noise);
        latents = denoise(request, first, std::move(latents), prompt, noise, events);
        finalLatents.add(latents);
        decode(request, first, latents, events);
        if (events.stopAfterThis && events.stopAfterThis()) break;
    }
    finalLatents.finish();
}

std::vector<int32_t> TextToImage::tokenize(const std::string& text, const char* which) const {
    const auto room = static_cast<size_t>(std::max(m_tokenizer.maxLength() - 2, 0));
    const size_t length = m_tokenizer.encode(text).size();
    if (length > room)
        logMessage(LogLevel::Warning,
                   std::string("The ") + which + " has " + std::to_string(length) +
                       " tokens; this model reads the first " + std::to_string(room) + ".");
    return m_tokenizer.encodePadded(text);
}

TextToImage::Prompt TextToImage::encodePrompt(const ImageRequest& request) const {
    const bool distilled =
        m_unet->config().timeConditionWidth > 0; // guidance is an input, as in LCM
    const bool guided = *request.cfg > kGuidanceOff && !distilled;
    std::vector<int32_t> ids;
    if (guided) ids = tokenize(request.negative, "negative prompt");
    const std::vector<int32_t> positive = tokenize(request.prompt, "prompt");
    ids.insert(ids.end(), positive.begin(), positive.end());
    const int skip = static_cast<int>(std::max<int64_t>(request.clipSkip, 1));
    Prompt prompt{(*m_textEncoder)(ids, m_tokenizer.maxLength(), skip), guided};
    if (!kernels::allFinite(prompt.embeddings)) throwNonFinite("The text encoder", m_compute);
    return prompt;
}

Shape TextToImage::latentShape(const ImageRequest& request, int64_t pictures) const {
    const int64_t factor = m_decoder->config().factor();
    return {pictures, *request.height / factor, *request.width / factor,
            m_unet->config().inChannels};
}

void TextToImage::checkInputs(const ImageRequest& request) const {
    if (!request.latentsPath.empty())
        LatentsFile::check(request.latentsPath, request.latentsIndex,
                           latentShape(request, request.count));
}

Tensor TextToImage::startNoise(const ImageRequest& request, int64_t first, int64_t pictures,
                               BatchNoise& noise) const {
    const Shape shape = latentShape(request, pictures);
    if (request.latentsPath.empty() || !m_device.hasNumbers())
        return noise.draw(m_device, shape[1], shape[2], shape[3]);
    return LatentsFile::read(request.latentsPath, m_device, request.latentsIndex + first, shape);
}

Tensor TextToImage::denoise(const ImageRequest& request, int64_t first, Tensor latents,
                            const Prompt& prompt, BatchNoise& noise,
                            const TextToImageEvents& events) const {
    nlohmann::json config = m_model.config("scheduler");
    if (request.prediction != "auto") config["prediction_type"] = request.prediction;
    const auto scheduler =
        makeScheduler(*request.sampler, config,
                      {static_cast<int>(*request.steps), *request.schedule, request.eta});
    latents = kernels::linearCombination({{scheduler->initialNoiseSigma(), latents}});
    const int64_t calls = scheduler->callCount();
    for (int call = 0; call < calls; ++call) {
        const Tensor output = predict(request, scheduler->scaleModelInput(latents, call),
                                      scheduler->timestep(call), prompt);
        latents = scheduler->step(output, call, latents, noise);
        if (!kernels::allFinite(latents))
            throwNonFinite("The denoiser, in step " + std::to_string(call + 1) + " of " +
                               std::to_string(calls) + ",",
                           m_compute);
        if (events.step) events.step(first, call + 1, calls);
        const bool last = call + 1 == calls;
        if (events.preview && request.previewEvery > 0 && !last &&
            (call + 1) % request.previewEvery == 0 && !m_preview.empty())
            events.preview(first, previewPicture(m_preview, scheduler->denoised().slice(0, 1)));
    }
    return latents;
}

Tensor TextToImage::predict(const ImageRequest& request, const Tensor& input, double timestep,
                            const Prompt& prompt) const {
    const int64_t pictures = input.dim(0);
    const int64_t halves = prompt.guided ? 2 : 1;
    std::vector<Tensor> samples(static_cast<size_t>(halves), input);
    std::vector<Tensor> embeddings;
    for (int64_t half = 0; half < halves; ++half)
        embeddings.insert(embeddings.end(), static_cast<size_t>(pictures),
                          prompt.embeddings.slice(half, half + 1));
    const std::vector<float> timesteps(static_cast<size_t>(halves * pictures),
                                       static_cast<float>(timestep));
    Tensor condition;
    if (const int64_t width = m_unet->config().timeConditionWidth; width > 0) {
        const std::vector<float> guidance(timesteps.size(),
                                          static_cast<float>((*request.cfg - 1) * 1000));
        condition = kernels::timestepEmbedding(m_device, guidance, static_cast<int>(width),
                                               {.flipSinToCos = false, .frequencyShift = 1});
    }
    const auto one = [](const std::vector<Tensor>& parts) {
        return parts.size() == 1 ? parts.front() : kernels::stack(parts);
    };
    const Tensor output = (*m_unet)(one(samples), timesteps, one(embeddings), condition);
    return prompt.guided ? guide(output, *request.cfg, *request.guidanceRescale) : output;
}

void TextToImage::decode(const ImageRequest& request, int64_t first, const Tensor& latents,
                         const TextToImageEvents& events) const {
    for (int64_t picture = 0; picture < latents.dim(0); ++picture) {
        // One at a time: decoding needs the most memory, and gains nothing from a batch.
        Tensor image = (*m_decoder)(latents.slice(picture, picture + 1));
        if (!kernels::allFinite(image)) throwNonFinite("The VAE", m_compute);
        image = image.reshape(Shape{image.dim(1), image.dim(2), image.dim(3)});
        if (m_device.hasNumbers() && events.picture)
            events.picture(first + picture, finishPicture(request, image));
    }
}

Tensor TextToImage::finishPicture(const ImageRequest& request, const Tensor& image) const {
    std::vector<float> pixels = m_device.toHost<float>(image);
    for (float& value : pixels) value = std::clamp(value / 2 + 0.5f, 0.0f, 1.0f);
    Shape shape = image.shape();
    if (shape.last() == 4) {
        if (extras().alpha == AlphaMeaning::OverWhite) uncompositeOverWhite(pixels);
        if (const auto color = parseBackground(request.background)) {
            std::vector<float> opaque(pixels.size() / 4 * 3);
            compositeOver(pixels, *color, opaque);
            pixels = std::move(opaque);
            shape = shape.with(-1, 3);
        }
    }
    return m_device.fromHost(pixels.data(), shape, DType::F32);
}

} // namespace kinora::pipelines
