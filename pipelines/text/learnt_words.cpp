#include "pipelines/text/learnt_words.h"

#include "pipelines/request/embedding_choice.h"

#include <algorithm>

namespace kinora::pipelines {
namespace {

constexpr std::string_view kMark = "embedding:", kSpaces = " \n\t\r";

bool isWordByte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

// Where the next mark is that begins a word.
size_t nextMark(std::string_view text, size_t from) {
    for (size_t at = text.find(kMark, from); at != std::string_view::npos;
         at = text.find(kMark, at + 1))
        if (at == 0 || kSpaces.find(text[at - 1]) != std::string_view::npos) return at;
    return std::string_view::npos;
}

// As a request would name the file.
std::string nameOf(std::string_view written) {
    const auto choice = parseEmbeddingChoice(written.substr(written.rfind('/') + 1));
    return choice ? choice->word : std::string();
}

} // namespace

std::string lowerCaseName(std::string_view name) {
    std::string lower(name);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return lower;
}

WordFinder::WordFinder(std::span<const LearntWord> words, const ClipTokenizer& tokenizer)
    : m_words(words) {
    for (const LearntWord& word : words) m_tokens.push_back(tokenizer.encode(word.word));
}

std::optional<WordFinder::Found> WordFinder::at(std::span<const int32_t> ids, size_t place) const {
    std::optional<Found> longest;
    for (size_t word = 0; word < m_tokens.size(); ++word) {
        const std::vector<int32_t>& tokens = m_tokens[word];
        if (tokens.empty() || tokens.size() > ids.size() - place ||
            (longest && tokens.size() <= longest->tokens))
            continue;
        if (std::ranges::equal(tokens, ids.subspan(place, tokens.size())))
            longest = Found{word, tokens.size()};
    }
    return longest;
}

size_t WordFinder::length(std::span<const int32_t> ids) const {
    size_t length = 0;
    for (size_t place = 0; place < ids.size();) {
        const auto found = at(ids, place);
        length += found ? static_cast<size_t>(m_words[found->word].vectors.count()) : 1;
        place += found ? found->tokens : 1;
    }
    return length;
}

std::vector<ComfyPiece> splitEmbeddings(std::string_view text) {
    std::vector<ComfyPiece> pieces;
    const auto addText = [&](std::string_view piece) {
        if (!piece.empty()) pieces.push_back({std::string(piece), {}});
    };
    size_t begin = 0;
    for (size_t mark = nextMark(text, 0); mark != std::string_view::npos;
         mark = nextMark(text, begin)) {
        size_t first = mark + kMark.size();
        size_t end = std::min(text.find_first_of(kSpaces, first), text.size());
        while (first < end && text[first] == ',') ++first;
        size_t last = end;
        while (last > first && text[last - 1] == ',') --last;
        const std::string name = nameOf(text.substr(first, last - first));
        if (name.empty()) { // a mark without a name is text
            addText(text.substr(begin, end - begin));
        } else {
            addText(text.substr(begin, mark - begin));
            pieces.push_back({{}, name});
            end = last;
        }
        begin = end;
    }
    addText(text.substr(begin));
    if (pieces.empty()) pieces.push_back({});
    return pieces;
}

bool namesWord(std::string_view text, std::string_view word) {
    if (word.empty()) return false;
    const std::string in = lowerCaseName(text), wanted = lowerCaseName(word);
    for (size_t at = in.find(wanted); at != std::string::npos; at = in.find(wanted, at + 1)) {
        const size_t end = at + wanted.size();
        const bool begins = at == 0 || !isWordByte(in[at - 1]) || !isWordByte(wanted.front());
        const bool ends = end == in.size() || !isWordByte(in[end]) || !isWordByte(wanted.back());
        if (begins && ends) return true;
    }
    return false;
}

} // namespace kinora::pipelines
