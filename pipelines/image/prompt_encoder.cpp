#include "pipelines/image/prompt_encoder.h"

#include "kernels/base/error.h"
#include "kernels/base/log.h"
#include "kernels/ops/layout.h"
#include "pipelines/image/check_finite.h"
#include "pipelines/text/emphasis.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace kinora::pipelines {

using kernels::Tensor;

namespace {

[[noreturn]] void throwMisfit(const std::string& what) {
    throw Error(ErrorCode::BadFile, "The model's parts do not fit together: " + what + ".",
                "Get the whole folder from one source.");
}

using ChunkedPrompt = std::vector<std::vector<PromptChunk>>; // by text, as many chunks in each

// least: of chunks.
ChunkedPrompt chunksOf(const PromptSchedule& prompt, PromptSyntax syntax,
                       const ClipTokenizer& tokenizer, std::span<const LearntWord> words,
                       size_t least) {
    const auto read = [&](const std::string& text) {
        if (syntax == PromptSyntax::A1111)
            return promptChunks(parseA1111(text), syntax, tokenizer, words);
        if (syntax == PromptSyntax::Comfy)
            return promptChunks(parseComfy(text), syntax, tokenizer, words);
        return promptChunks({PromptPart{.text = text}}, syntax, tokenizer, words);
    };
    ChunkedPrompt texts;
    size_t most = least;
    for (const std::string& text : prompt.texts) {
        texts.push_back(read(text));
        most = std::max(most, texts.back().size());
    }
    const PromptChunk empty = read("").front();
    for (std::vector<PromptChunk>& chunks : texts) chunks.resize(most, empty);
    return texts;
}

bool isWeighted(const std::vector<ChunkedPrompt>& prompts) {
    for (const ChunkedPrompt& texts : prompts)
        for (const std::vector<PromptChunk>& chunks : texts)
            for (const PromptChunk& chunk : chunks)
                if (std::ranges::any_of(chunk.weights, [](float weight) { return weight != 1; }))
                    return true;
    return false;
}

Tensor one(const std::vector<Tensor>& parts) {
    return parts.size() == 1 ? parts.front() : kernels::stack(parts);
}

// [n,length,width] each -> [n,chunks * length,width].
Tensor inARow(const std::vector<Tensor>& chunks) {
    if (chunks.size() == 1) return chunks.front();
    const int64_t length = chunks.front().dim(1), width = chunks.front().dim(2);
    std::vector<Tensor> rows;
    for (int64_t row = 0; row < chunks.front().dim(0); ++row) {
        std::vector<Tensor> parts;
        for (const Tensor& chunk : chunks) parts.push_back(chunk.slice(row, row + 1));
        rows.push_back(kernels::stack(parts).reshape(
            {1, static_cast<int64_t>(chunks.size()) * length, width}));
    }
    return one(rows);
}

PromptEmbeddings rowOf(const PromptEmbeddings& told, size_t text) {
    const auto row = static_cast<int64_t>(text);
    PromptEmbeddings found;
    found.embeddings = told.embeddings.slice(row, row + 1);
    if (told.pooled) found.pooled = told.pooled.slice(row, row + 1);
    return found;
}

// Rows of any length as rows of the longest: the last state is repeated, as in A1111.
PromptEmbeddings joined(std::span<const PromptEmbeddings> rows) {
    int64_t longest = 0;
    for (const PromptEmbeddings& row : rows) longest = std::max(longest, row.embeddings.dim(1));
    std::vector<Tensor> embeddings, pooled;
    for (const PromptEmbeddings& row : rows) {
        const int64_t length = row.embeddings.dim(1), width = row.embeddings.dim(2);
        const Tensor flat = row.embeddings.reshape({length, width});
        std::vector<Tensor> states = {flat};
        for (int64_t i = length; i < longest; ++i) states.push_back(flat.slice(length - 1, length));
        embeddings.push_back(one(states).reshape({1, longest, width}));
        if (row.pooled) pooled.push_back(row.pooled);
    }
    PromptEmbeddings all;
    all.embeddings = one(embeddings);
    if (!pooled.empty()) all.pooled = one(pooled);
    return all;
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
    TextEncoder encoder{name, ClipTokenizer::load(model.componentPath("tokenizer" + suffix)),
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

const EncodedPrompts::Stage& EncodedPrompts::at(int64_t call) const {
    const auto found = std::ranges::lower_bound(stages, call, {}, &Stage::lastCall);
    return found == stages.end() ? stages.back() : *found;
}

// How the texts of a request are read.
struct PromptEncoder::Reading {
    PromptSyntax syntax;
    ClipTextOptions options;
    std::span<const LearntWord> words;
};

// Only plain prompts are cut: the first part is what the reference reads.
void PromptEncoder::warnIfCut(const std::string& text, const char* which,
                              std::span<const LearntWord> words) const {
    const ClipTokenizer& tokenizer = m_encoders.front().tokenizer;
    const auto room = static_cast<size_t>(std::max(tokenizer.maxLength() - 2, 0));
    const size_t length = WordFinder(words, tokenizer).length(tokenizer.encode(text));
    if (length > room)
        logMessage(LogLevel::Warning,
                   std::string("The ") + which + " has " + std::to_string(length) +
                       " tokens; this model reads the first " + std::to_string(room) +
                       ". With prompt syntax a1111 or comfy it reads all.");
}

EncodedPrompts PromptEncoder::encode(const ImageRequest& request, Guidance guidance, int64_t calls,
                                     std::span<const LearntWord> words) const {
    const PromptTexts texts = readPrompts(request, calls);
    Reading reading{texts.syntax, m_options, words};
    if (request.clipSkip > 0) reading.options.skip = static_cast<int>(request.clipSkip);
    EncodedPrompts told;
    told.guided = guidance == Guidance::On;
    const bool opposed = told.guided || !texts.isOne(); // the negative prompt has a weight
    if (texts.syntax == PromptSyntax::Plain) {
        if (opposed) warnIfCut(request.negative, "negative prompt", words);
        warnIfCut(request.prompt, "prompt", words);
    }
    const bool zeros =
        m_zerosForEmpty && request.negative.empty() && texts.syntax != PromptSyntax::Comfy;
    std::vector<const PromptSchedule*> prompts;
    if (opposed && !zeros) prompts.push_back(&texts.negative.schedule);
    for (const PromptTexts::Prompt& prompt : texts.positive) {
        prompts.push_back(&prompt.schedule);
        told.weights.push_back(prompt.weight);
    }
    const std::vector<PromptEmbeddings> encoded = encodeTexts(prompts, reading);
    std::set<int64_t> bounds;
    for (const PromptSchedule* prompt : prompts)
        for (const PromptSchedule::Entry& entry : prompt->entries) bounds.insert(entry.lastCall);
    const size_t firstPositive = prompts.size() - texts.positive.size();
    for (const int64_t bound : bounds) {
        std::vector<PromptEmbeddings> rows;
        for (size_t i = 0; i < prompts.size(); ++i)
            rows.push_back(rowOf(encoded[i], prompts[i]->textAt(bound)));
        EncodedPrompts::Stage stage{bound, {}, joined(std::span(rows).subspan(firstPositive))};
        if (opposed) stage.negative = zeros ? zerosLike(stage.positive) : rows.front();
        told.stages.push_back(std::move(stage));
    }
    return told;
}

// As many as the tokenizer needs that makes most tokens of the prompt: the encoders' states stand
// side by side.
std::vector<size_t> PromptEncoder::chunkCounts(const std::vector<const PromptSchedule*>& prompts,
                                               const Reading& reading) const {
    std::vector<size_t> counts(prompts.size(), 1);
    if (m_encoders.size() == 1) return counts; // its own
    for (const TextEncoder& encoder : m_encoders)
        for (size_t i = 0; i < prompts.size(); ++i)
            counts[i] =
                chunksOf(*prompts[i], reading.syntax, encoder.tokenizer, reading.words, counts[i])
                    .front()
                    .size();
    return counts;
}

std::vector<PromptEmbeddings>
PromptEncoder::encodeTexts(const std::vector<const PromptSchedule*>& prompts,
                           const Reading& reading) const {
    std::vector<PromptEmbeddings> encoded(prompts.size());
    Tensor pooled;
    const std::vector<size_t> counts = chunkCounts(prompts, reading);
    std::vector<std::vector<Tensor>> states(prompts.size()); // by prompt, then by encoder
    for (const TextEncoder& encoder : m_encoders) {
        std::vector<Tensor> found = encodeWith(encoder, prompts, counts, reading, pooled);
        for (size_t i = 0; i < prompts.size(); ++i) states[i].push_back(std::move(found[i]));
    }
    int64_t row = 0;
    for (size_t i = 0; i < prompts.size(); ++i) {
        Tensor& embeddings = encoded[i].embeddings;
        embeddings = states[i].size() == 1 ? states[i].front() : kernels::concat(states[i]);
        checkFinite(embeddings, "The text encoder", m_compute);
        if (pooled) encoded[i].pooled = pooled.slice(row, row + embeddings.dim(0));
        row += embeddings.dim(0);
    }
    if (pooled) checkFinite(pooled, "The text encoder", m_compute);
    return encoded;
}

// A few texts at a time: a schedule may have hundreds.
ClipTextResult PromptEncoder::encodeRows(const TextEncoder& encoder, std::span<const int32_t> ids,
                                         std::span<const PlacedVector> placed,
                                         const Reading& reading) const {
    constexpr size_t kRowsAtOnce = 4;
    const int length = encoder.tokenizer.maxLength();
    const size_t most = kRowsAtOnce * static_cast<size_t>(length);
    std::vector<Tensor> hidden, pooled;
    for (size_t begin = 0; begin < ids.size(); begin += most) {
        const auto some = ids.subspan(begin, std::min(most, ids.size() - begin));
        std::vector<PlacedVector> here;
        for (const PlacedVector& vector : placed) {
            const int64_t at = vector.at - static_cast<int64_t>(begin);
            if (at >= 0 && at < static_cast<int64_t>(some.size()))
                here.push_back({at, vector.values});
        }
        const ClipTextResult rows = encoder.model.encode(some, length, reading.options, here);
        hidden.push_back(rows.hidden);
        if (rows.pooled) pooled.push_back(rows.pooled);
    }
    return {.hidden = one(hidden), .pooled = pooled.empty() ? Tensor{} : one(pooled)};
}

std::vector<float> PromptEncoder::emptyStates(const TextEncoder& encoder,
                                              const Reading& reading) const {
    return hostValues(encodeRows(encoder, encoder.tokenizer.encodePadded(""), {}, reading).hidden);
}

// Zeros on a back end without numbers: memory is taken as in a run.
std::vector<float> PromptEncoder::hostValues(const Tensor& tensor) const {
    const Tensor values = kernels::convert(tensor, kernels::DType::F32);
    if (!m_device.hasNumbers()) return std::vector<float>(static_cast<size_t>(values.elements()));
    return m_device.toHost<float>(values);
}

// Chunk by chunk. The pooled embedding is the first chunk's.
std::vector<Tensor> PromptEncoder::encodeWith(const TextEncoder& encoder,
                                              const std::vector<const PromptSchedule*>& prompts,
                                              std::span<const size_t> counts,
                                              const Reading& reading, Tensor& pooled) const {
    std::vector<ChunkedPrompt> chunked;
    size_t most = 0;
    for (size_t i = 0; i < prompts.size(); ++i) {
        chunked.push_back(
            chunksOf(*prompts[i], reading.syntax, encoder.tokenizer, reading.words, counts[i]));
        most = std::max(most, chunked.back().front().size());
    }
    const std::vector<float> empty = isWeighted(chunked) && reading.syntax == PromptSyntax::Comfy
                                         ? emptyStates(encoder, reading)
                                         : std::vector<float>();
    std::vector<std::vector<Tensor>> pieces(prompts.size()); // by prompt, then by chunk
    for (size_t chunk = 0; chunk < most; ++chunk) {
        std::vector<int32_t> ids;
        std::vector<PlacedVector> placed;
        for (const ChunkedPrompt& texts : chunked)
            for (const std::vector<PromptChunk>& chunks : texts) {
                if (chunk >= chunks.size()) continue;
                for (const PromptChunk::Learnt& learnt : chunks[chunk].learnt)
                    placed.push_back({static_cast<int64_t>(ids.size() + learnt.at),
                                      reading.words[learnt.word]
                                          .vectors.vectorsFor(encoder.component)
                                          .row(learnt.vector)});
                ids.insert(ids.end(), chunks[chunk].ids.begin(), chunks[chunk].ids.end());
            }
        const ClipTextResult result = encodeRows(encoder, ids, placed, reading);
        if (chunk == 0 && result.pooled) pooled = result.pooled;
        int64_t row = 0;
        for (size_t i = 0; i < prompts.size(); ++i) {
            if (chunk >= chunked[i].front().size()) continue;
            std::vector<float> weights;
            for (const std::vector<PromptChunk>& chunks : chunked[i])
                std::ranges::copy(chunks[chunk].weights, std::back_inserter(weights));
            const auto rows = static_cast<int64_t>(chunked[i].size());
            pieces[i].push_back(emphasized(result.hidden.slice(row, row + rows), weights,
                                           prompts[i]->times, empty));
            row += rows;
        }
    }
    std::vector<Tensor> states;
    for (const std::vector<Tensor>& chunks : pieces) states.push_back(inARow(chunks));
    return states;
}

// On the host: a prompt is small, and done once. empty: the states of the empty prompt that weights
// count from, in Comfy's language; else nothing.
Tensor PromptEncoder::emphasized(const Tensor& states, std::span<const float> weights,
                                 std::span<const int64_t> times,
                                 std::span<const float> empty) const {
    if (std::ranges::all_of(weights, [](float weight) { return weight == 1; })) return states;
    std::vector<float> values = hostValues(states);
    if (!empty.empty())
        emphasizeFromEmpty(values, weights, empty);
    else if (m_device.hasNumbers())
        emphasizeKeepingMean(values, weights, times);
    return kernels::convert(m_device.fromHost(values.data(), states.shape(), kernels::DType::F32),
                            states.dtype());
}

// What these models were trained on where nothing was said: one row.
PromptEmbeddings PromptEncoder::zerosLike(const PromptEmbeddings& told) const {
    const auto zeros = [&](const Tensor& tensor) {
        const kernels::Shape shape = tensor.shape().with(0, 1);
        const std::vector<float> values(static_cast<size_t>(shape.elements()));
        return kernels::convert(m_device.fromHost(values.data(), shape, kernels::DType::F32),
                                tensor.dtype());
    };
    return {.embeddings = zeros(told.embeddings),
            .pooled = zeros(told.pooled),
            .addition = {},
            .pictures = {}};
}

} // namespace kinora::pipelines
