#include "pipelines/text/clip_tokenizer.h"

#include "kernels/base/error.h"
#include "kernels/base/utf8.h"
#include "pipelines/text/byte_pair_encoder.h"
#include "pipelines/text/tokenizer_files.h"
#include "pipelines/text/unicode_text.h"

#include <algorithm>
#include <array>

namespace kinora::pipelines {

namespace {

// Finds added tokens in a text: the leftmost, and of those at one place the longest.
class TokenFinder {
  public:
    TokenFinder(const std::vector<AddedToken>& tokens, bool normalized) {
        for (const AddedToken& token : tokens)
            if (token.normalized == normalized && !token.content.empty())
                m_byFirstByte[static_cast<uint8_t>(token.content[0])].push_back(token);
        for (auto& tokensOfByte : m_byFirstByte)
            std::ranges::sort(tokensOfByte, [](const AddedToken& a, const AddedToken& b) {
                return a.content.size() > b.content.size();
            });
    }

    // Calls plain for the text between tokens (never empty) and found for each token.
    template <typename Plain, typename Found>
    void split(std::string_view text, const Plain& plain, const Found& found) const {
        size_t begin = 0;
        for (size_t at = 0; at < text.size();) {
            const AddedToken* token = tokenAt(text.substr(at));
            if (!token) {
                ++at;
                continue;
            }
            if (at > begin) plain(text.substr(begin, at - begin));
            found(token->id);
            begin = at += token->content.size();
        }
        if (begin < text.size()) plain(text.substr(begin));
    }

  private:
    const AddedToken* tokenAt(std::string_view text) const {
        for (const AddedToken& token : m_byFirstByte[static_cast<uint8_t>(text[0])])
            if (text.starts_with(token.content)) return &token;
        return nullptr;
    }

    std::array<std::vector<AddedToken>, 256> m_byFirstByte;
};

} // namespace

struct ClipTokenizer::Data {
    explicit Data(const TokenizerFiles& files)
        : encoder(files.vocabulary, files.merges, files.unknownToken, files.mergesLabel),
          asWritten(files.addedTokens, false), normalized(files.addedTokens, true),
          startToken(files.startToken), endToken(files.endToken), paddingToken(files.paddingToken),
          maxLength(files.maxLength) {
        for (const auto& [token, id] : files.vocabulary)
            vocabularySize = std::max(vocabularySize, int64_t{id} + 1);
    }

    BytePairEncoder encoder;
    TokenFinder asWritten, normalized;
    int32_t startToken, endToken, paddingToken;
    int maxLength;
    int64_t vocabularySize = 0;
};

ClipTokenizer ClipTokenizer::load(const std::filesystem::path& folder) {
    return ClipTokenizer(std::make_unique<const Data>(readTokenizerFiles(folder)));
}

ClipTokenizer::ClipTokenizer(std::unique_ptr<const Data> data) : m_data(std::move(data)) {}
ClipTokenizer::~ClipTokenizer() = default;
ClipTokenizer::ClipTokenizer(ClipTokenizer&&) noexcept = default;
ClipTokenizer& ClipTokenizer::operator=(ClipTokenizer&&) noexcept = default;

std::vector<int32_t> ClipTokenizer::encode(std::string_view text) const {
    if (!isValidUtf8(text))
        throw Error(ErrorCode::InvalidArgument, "The prompt is not valid UTF-8.",
                    "Give it in UTF-8.");
    std::vector<int32_t> ids;
    const auto take = [&](int32_t id) { ids.push_back(id); };
    const auto encodeWords = [&](std::string_view part) {
        splitWords(part, [&](std::string_view word) { m_data->encoder.encode(word, ids); });
    };
    const auto encodePart = [&](std::string_view part) {
        m_data->normalized.split(normalizeText(part), encodeWords, take);
    };
    m_data->asWritten.split(text, encodePart, take);
    return ids;
}

std::vector<int32_t> ClipTokenizer::encodePadded(std::string_view text) const {
    const auto length = static_cast<size_t>(m_data->maxLength);
    std::vector<int32_t> ids = encode(text);
    ids.resize(std::min(ids.size(), length - 2));
    ids.insert(ids.begin(), m_data->startToken);
    ids.push_back(m_data->endToken);
    ids.resize(length, m_data->paddingToken);
    return ids;
}

int ClipTokenizer::maxLength() const {
    return m_data->maxLength;
}
int32_t ClipTokenizer::startToken() const {
    return m_data->startToken;
}
int32_t ClipTokenizer::endToken() const {
    return m_data->endToken;
}
int32_t ClipTokenizer::paddingToken() const {
    return m_data->paddingToken;
}
int64_t ClipTokenizer::vocabularySize() const {
    return m_data->vocabularySize;
}

} // namespace kinora::pipelines
