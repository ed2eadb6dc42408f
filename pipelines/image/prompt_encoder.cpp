#include "pipelines/image/prompt_encoder.h"

#include "kernels/base/error.h"
#include "kernels/base/log.h"
#include "kernels/ops/layout.h"
#include "pipelines/image/check_finite.h"

#include <algorithm>
#include <utility>

namespace kinora::pipelines {

using kernels::Tensor;

namespace {

[[noreturn]] void throwMisfit(const std::string& what) {
    throw Error(ErrorCode::BadFile, "The model's parts do not fit together: " + what + ".",
                "Get the whole folder from one source.");
}

} // namespace

PromptEncoder::PromptEncoder(ComponentLoader& loader, kernels::Device& device,
                             kernels::DType compute)
    : m_device(device), m_compute(compute) {
    const Model& model = loader.model();
    if (model.has("text_encoder")) add(loader, "");
    if (!model.has("text_encoder_2")) return;
    add(loader, "_2");
    // The XL family reads the layer before the last one, as it is.
    m_options = {.skip = 2, .finalNorm = false};
    m_zerosForEmpty = model.flag("force_zeros_for_empty_prompt", true);
}

// suffix: of the names of tokenizer and text encoder, "" or "_2".
void PromptEncoder::add(ComponentLoader& loader, const std::string& suffix) {
    const Model& model = loader.model();
    const std::string name = "text_encoder" + suffix;
    const ClipTextConfig config =
        ClipTextConfig::fromJson(model.config(name), model.configLabel(name));
    const bool pools = model.className(name) == "CLIPTextModelWithProjection";
    TextEncoder encoder{ClipTokenizer::load(model.componentPath("tokenizer" + suffix)),
                        ClipTextModel(config, loader.open(name),
                                      pools ? TextPooling::Projected : TextPooling::None)};
    if (encoder.tokenizer.maxLength() > config.positions ||
        encoder.tokenizer.vocabularySize() > config.vocabulary)
        throwMisfit("the tokenizer has more tokens than the text encoder knows");
    if (!m_encoders.empty() &&
        encoder.tokenizer.maxLength() != m_encoders.front().tokenizer.maxLength())
        throwMisfit("one tokenizer reads " +
                    std::to_string(m_encoders.front().tokenizer.maxLength()) +
                    " tokens, the other " + std::to_string(encoder.tokenizer.maxLength()));
    if (pools) m_pooledWidth = config.projection;
    m_encoders.push_back(std::move(encoder));
}

int64_t PromptEncoder::width() const {
    int64_t width = 0;
    for (const TextEncoder& encoder : m_encoders) width += encoder.model.config().width;
    return width;
}

int64_t PromptEncoder::pooledWidth() const {
    return m_pooledWidth;
}

std::vector<int32_t> PromptEncoder::tokenize(const TextEncoder& encoder, const std::string& text,
                                             const char* which) const {
    const ClipTokenizer& tokenizer = encoder.tokenizer;
    const auto room = static_cast<size_t>(std::max(tokenizer.maxLength() - 2, 0));
    const size_t length = tokenizer.encode(text).size();
    if (length > room && &encoder == &m_encoders.front())
        logMessage(LogLevel::Warning,
                   std::string("The ") + which + " has " + std::to_string(length) +
                       " tokens; this model reads the first " + std::to_string(room) + ".");
    return tokenizer.encodePadded(text);
}

PromptEmbeddings PromptEncoder::encode(const ImageRequest& request, Guidance guidance) const {
    const bool guided = guidance == Guidance::On;
    const bool zeros = guided && m_zerosForEmpty && request.negative.empty();
    ClipTextOptions options = m_options;
    if (request.clipSkip > 0) options.skip = static_cast<int>(request.clipSkip);
    PromptEmbeddings told;
    std::vector<Tensor> states;
    for (const TextEncoder& encoder : m_encoders) {
        std::vector<int32_t> ids;
        if (guided && !zeros) ids = tokenize(encoder, request.negative, "negative prompt");
        const std::vector<int32_t> positive = tokenize(encoder, request.prompt, "prompt");
        ids.insert(ids.end(), positive.begin(), positive.end());
        ClipTextResult result = encoder.model.encode(ids, encoder.tokenizer.maxLength(), options);
        states.push_back(std::move(result.hidden));
        if (result.pooled) told.pooled = std::move(result.pooled);
    }
    told.embeddings = states.size() == 1 ? states.front() : kernels::concat(states);
    checkFinite(told.embeddings, "The text encoder", m_compute);
    if (told.pooled) checkFinite(told.pooled, "The text encoder", m_compute);
    if (zeros) putZerosFirst(told);
    return told;
}

// What these models were trained on where nothing was said.
void PromptEncoder::putZerosFirst(PromptEmbeddings& told) const {
    for (Tensor* tensor : {&told.embeddings, &told.pooled}) {
        if (!*tensor) continue;
        const std::vector<float> zeros(static_cast<size_t>(tensor->shape().elements()));
        const Tensor nothing = kernels::convert(
            m_device.fromHost(zeros.data(), tensor->shape(), kernels::DType::F32), tensor->dtype());
        *tensor = kernels::stack(std::vector{nothing, *tensor});
    }
}

} // namespace kinora::pipelines
