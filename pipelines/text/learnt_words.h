#pragma once
// Words of a prompt that stand for learnt vectors (textual inversion). Sources: the published rules
// of AUTOMATIC1111's web UI (the tokens of the name, anywhere in the text) and of ComfyUI
// ("embedding:name").
//
//     const WordFinder finder(words, tokenizer);
//     if (const auto found = finder.at(ids, place)) ...   // words[found->word], found->tokens of
//     ids

#include "pipelines/text/clip_tokenizer.h"
#include "pipelines/weights/textual_inversion.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

struct LearntWord {
    std::string word;
    TextualInversion vectors;
};

class WordFinder {
  public:
    // Both must outlive it.
    WordFinder(std::span<const LearntWord> words, const ClipTokenizer& tokenizer);

    struct Found {
        size_t word;   // which of them
        size_t tokens; // of the text that it takes the place of
    };
    // The longest word whose tokens begin at `place` of ids.
    std::optional<Found> at(std::span<const int32_t> ids, size_t place) const;
    // Places that a text takes in a prompt.
    size_t length(std::span<const int32_t> ids) const;

    std::span<const LearntWord> words() const { return m_words; }

  private:
    std::span<const LearntWord> m_words;
    std::vector<std::vector<int32_t>> m_tokens; // of each word
};

// A text in ComfyUI's language: plain text, or one embedding.
struct ComfyPiece {
    std::string text;
    std::string embedding; // its name, without folder and ending; empty: plain text
};
// "a embedding:style, cat" -> "a", style, ", cat". Commas around a name are text.
std::vector<ComfyPiece> splitEmbeddings(std::string_view text);

// Whether the name stands in the text as a word, without case: a quick test before its file is
// read.
bool namesWord(std::string_view text, std::string_view word);

// ASCII letters as lower case: how names are compared.
std::string lowerCaseName(std::string_view name);

} // namespace kinora::pipelines
