#include "pipelines/image/prompt_encoder.h"

#include "kernels/base/error.h"
#include "kernels/base/log.h"
#include "pipelines/image/check_finite.h"

#include <algorithm>

namespace kinora::pipelines {

namespace {

ClipTextModel loadEncoder(ComponentLoader& loader, const std::string& name) {
    const Model& model = loader.model();
    return ClipTextModel(ClipTextConfig::fromJson(model.config(name), model.configLabel(name)),
                         loader.open(name));
}

} // namespace

PromptEncoder::PromptEncoder(ComponentLoader& loader, kernels::DType compute)
    : m_compute(compute),
      m_tokenizer(ClipTokenizer::load(loader.model().componentPath("tokenizer"))),
      m_encoder(loadEncoder(loader, "text_encoder")) {
    if (m_tokenizer.maxLength() > m_encoder.config().positions ||
        m_tokenizer.vocabularySize() > m_encoder.config().vocabulary)
        throw Error(ErrorCode::BadFile,
                    "The model's parts do not fit together: the tokenizer has more tokens than "
                    "the text encoder knows.",
                    "Get the whole folder from one source.");
}

std::vector<int32_t> PromptEncoder::tokenize(const std::string& text, const char* which) const {
    const auto room = static_cast<size_t>(std::max(m_tokenizer.maxLength() - 2, 0));
    const size_t length = m_tokenizer.encode(text).size();
    if (length > room)
        logMessage(LogLevel::Warning,
                   std::string("The ") + which + " has " + std::to_string(length) +
                       " tokens; this model reads the first " + std::to_string(room) + ".");
    return m_tokenizer.encodePadded(text);
}

PromptEmbeddings PromptEncoder::encode(const ImageRequest& request, Guidance guidance) const {
    std::vector<int32_t> ids;
    if (guidance == Guidance::On) ids = tokenize(request.negative, "negative prompt");
    const std::vector<int32_t> positive = tokenize(request.prompt, "prompt");
    ids.insert(ids.end(), positive.begin(), positive.end());
    const int skip = static_cast<int>(std::max<int64_t>(request.clipSkip, 1));
    PromptEmbeddings told{m_encoder(ids, m_tokenizer.maxLength(), skip)};
    checkFinite(told.embeddings, "The text encoder", m_compute);
    return told;
}

} // namespace kinora::pipelines
