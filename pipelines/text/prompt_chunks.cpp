#include "pipelines/text/prompt_chunks.h"

#include "kernels/base/error.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace kinora::pipelines {

namespace {

constexpr size_t kCommaReach = 20; // tokens that may move into the next chunk with A1111
constexpr size_t kWholeBelow = 8;  // tokens of a part that ComfyUI keeps together

class ChunkWriter {
  public:
    explicit ChunkWriter(const ClipTokenizer& tokenizer)
        : m_tokenizer(tokenizer),
          m_room(static_cast<size_t>(std::max(tokenizer.maxLength() - 2, 1))) {}

    size_t room() const { return m_room - m_open.ids.size(); }
    bool isEmpty() const { return m_open.ids.empty(); }
    bool hasChunks() const { return !m_done.empty(); }

    void add(int32_t id, float weight) {
        m_open.ids.push_back(id);
        m_open.weights.push_back(weight);
    }

    // All of a learnt word's vectors.
    void addLearnt(const LearntWord& learnt, size_t word, float weight) {
        const auto count = static_cast<size_t>(learnt.vectors.count());
        if (count > m_room)
            throw Error(ErrorCode::InvalidArgument,
                        learnt.vectors.label() + ": has " + std::to_string(count) +
                            " vectors; this model reads " + std::to_string(m_room) + " at once.",
                        "Leave it out of the prompt.");
        if (room() < count) finish();
        for (size_t vector = 0; vector < count; ++vector) {
            m_open.learnt.push_back({m_open.ids.size(), word, static_cast<int64_t>(vector)});
            add(0, weight);
        }
    }

    // Tokens from the last comma on go into the next chunk, if they are few.
    void markComma() { m_comma = m_open.ids.size(); }
    bool moveAfterComma() {
        if (!m_comma || m_open.ids.size() - *m_comma > kCommaReach) return false;
        const auto first = static_cast<std::ptrdiff_t>(*m_comma) + 1;
        PromptChunk moved{{m_open.ids.begin() + first, m_open.ids.end()},
                          {m_open.weights.begin() + first, m_open.weights.end()},
                          {}};
        for (PromptChunk::Learnt learnt : m_open.learnt) {
            if (learnt.at <= *m_comma) continue;
            learnt.at -= *m_comma + 1;
            moved.learnt.push_back(learnt);
        }
        std::erase_if(m_open.learnt, [&](const auto& learnt) { return learnt.at > *m_comma; });
        m_open.ids.resize(*m_comma + 1);
        m_open.weights.resize(*m_comma + 1);
        finish();
        m_open = std::move(moved);
        return true;
    }

    void finish() {
        const auto length = static_cast<size_t>(m_tokenizer.maxLength());
        PromptChunk chunk = std::exchange(m_open, {});
        m_comma.reset();
        chunk.ids.insert(chunk.ids.begin(), m_tokenizer.startToken());
        chunk.weights.insert(chunk.weights.begin(), 1);
        for (PromptChunk::Learnt& learnt : chunk.learnt) ++learnt.at; // the start token
        chunk.ids.push_back(m_tokenizer.endToken());
        chunk.ids.resize(length, m_tokenizer.paddingToken());
        chunk.weights.resize(length, 1);
        m_done.push_back(std::move(chunk));
    }

    std::vector<PromptChunk> take() {
        if (!isEmpty() || !hasChunks()) finish();
        return std::move(m_done);
    }

  private:
    const ClipTokenizer& m_tokenizer;
    size_t m_room; // for tokens of the text
    PromptChunk m_open;
    std::optional<size_t> m_comma; // place of the last one in the open chunk
    std::vector<PromptChunk> m_done;
};

std::vector<PromptChunk> chunksA1111(const std::vector<PromptPart>& parts,
                                     const ClipTokenizer& tokenizer,
                                     std::span<const LearntWord> words) {
    const std::vector<int32_t> comma = tokenizer.encode(",");
    const WordFinder finder(words, tokenizer);
    ChunkWriter chunks(tokenizer);
    for (const PromptPart& part : parts) {
        if (part.isBreak) {
            chunks.finish();
            continue;
        }
        const std::vector<int32_t> ids = tokenizer.encode(part.text);
        const auto weight = static_cast<float>(part.weight);
        for (size_t place = 0; place < ids.size();) {
            if (comma.size() == 1 && ids[place] == comma.front())
                chunks.markComma();
            else if (chunks.room() == 0)
                chunks.moveAfterComma();
            if (chunks.room() == 0) chunks.finish();
            const auto found = finder.at(ids, place);
            if (found)
                chunks.addLearnt(words[found->word], found->word, weight);
            else
                chunks.add(ids[place], weight);
            place += found ? found->tokens : 1;
        }
    }
    return chunks.take();
}

void addComfyText(ChunkWriter& chunks, const std::vector<int32_t>& ids, float weight) {
    if (ids.size() > chunks.room() && ids.size() < kWholeBelow && !chunks.isEmpty())
        chunks.finish();
    for (const int32_t id : ids) {
        if (chunks.room() == 0) chunks.finish();
        chunks.add(id, weight);
    }
}

std::vector<PromptChunk> chunksComfy(const std::vector<PromptPart>& parts,
                                     const ClipTokenizer& tokenizer,
                                     std::span<const LearntWord> words) {
    ChunkWriter chunks(tokenizer);
    for (const PromptPart& part : parts)
        for (const ComfyPiece& piece : splitEmbeddings(part.text)) {
            const auto weight = static_cast<float>(part.weight);
            if (piece.embedding.empty()) {
                addComfyText(chunks, tokenizer.encode(piece.text), weight);
                continue;
            }
            // One that is not there stands for nothing, as in ComfyUI.
            const auto known = std::ranges::find_if(words, [&](const LearntWord& word) {
                return lowerCaseName(word.word) == lowerCaseName(piece.embedding);
            });
            if (known != words.end())
                chunks.addLearnt(*known, static_cast<size_t>(known - words.begin()), weight);
        }
    return chunks.take();
}

// The beginning alone, as the reference reads it.
std::vector<PromptChunk> chunksPlain(const std::vector<PromptPart>& parts,
                                     const ClipTokenizer& tokenizer,
                                     std::span<const LearntWord> words) {
    const WordFinder finder(words, tokenizer);
    ChunkWriter chunks(tokenizer);
    for (const PromptPart& part : parts) {
        const std::vector<int32_t> ids = tokenizer.encode(part.text);
        for (size_t place = 0; place < ids.size();) {
            const auto found = finder.at(ids, place);
            if (chunks.room() == 0) chunks.finish();
            if (found)
                chunks.addLearnt(words[found->word], found->word, 1);
            else
                chunks.add(ids[place], 1);
            place += found ? found->tokens : 1;
        }
    }
    std::vector<PromptChunk> all = chunks.take();
    all.resize(1);
    return all;
}

} // namespace

std::vector<PromptChunk> promptChunks(const std::vector<PromptPart>& parts, PromptSyntax syntax,
                                      const ClipTokenizer& tokenizer,
                                      std::span<const LearntWord> words) {
    if (syntax == PromptSyntax::A1111) return chunksA1111(parts, tokenizer, words);
    if (syntax == PromptSyntax::Comfy) return chunksComfy(parts, tokenizer, words);
    return chunksPlain(parts, tokenizer, words);
}

} // namespace kinora::pipelines
