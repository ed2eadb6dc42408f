#include "pipelines/text/prompt_chunks.h"

#include <algorithm>
#include <optional>
#include <span>
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

    // Tokens from the last comma on go into the next chunk, if they are few.
    void markComma() { m_comma = m_open.ids.size(); }
    bool moveAfterComma() {
        if (!m_comma || m_open.ids.size() - *m_comma > kCommaReach) return false;
        const auto first = static_cast<std::ptrdiff_t>(*m_comma) + 1;
        PromptChunk moved{{m_open.ids.begin() + first, m_open.ids.end()},
                          {m_open.weights.begin() + first, m_open.weights.end()}};
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
                                     const ClipTokenizer& tokenizer) {
    const std::vector<int32_t> comma = tokenizer.encode(",");
    ChunkWriter chunks(tokenizer);
    for (const PromptPart& part : parts) {
        if (part.isBreak) {
            chunks.finish();
            continue;
        }
        for (const int32_t id : tokenizer.encode(part.text)) {
            if (comma.size() == 1 && id == comma.front())
                chunks.markComma();
            else if (chunks.room() == 0)
                chunks.moveAfterComma();
            if (chunks.room() == 0) chunks.finish();
            chunks.add(id, static_cast<float>(part.weight));
        }
    }
    return chunks.take();
}

std::vector<PromptChunk> chunksComfy(const std::vector<PromptPart>& parts,
                                     const ClipTokenizer& tokenizer) {
    ChunkWriter chunks(tokenizer);
    for (const PromptPart& part : parts) {
        const std::vector<int32_t> ids = tokenizer.encode(part.text);
        if (ids.size() > chunks.room() && ids.size() < kWholeBelow && !chunks.isEmpty())
            chunks.finish();
        for (const int32_t id : ids) {
            if (chunks.room() == 0) chunks.finish();
            chunks.add(id, static_cast<float>(part.weight));
        }
    }
    return chunks.take();
}

} // namespace

std::vector<PromptChunk> promptChunks(const std::vector<PromptPart>& parts, PromptSyntax syntax,
                                      const ClipTokenizer& tokenizer) {
    if (syntax == PromptSyntax::A1111) return chunksA1111(parts, tokenizer);
    std::vector<PromptChunk> chunks = chunksComfy(parts, tokenizer);
    if (syntax == PromptSyntax::Plain) chunks.resize(1);
    return chunks;
}

} // namespace kinora::pipelines
