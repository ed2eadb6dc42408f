#include "pipelines/text/learnt_words.h"
#include "pipelines/text/prompt_chunks.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kinora::pipelines;

namespace {

// Reads 18 tokens at once.
const ClipTokenizer& tokenizer() {
    static const ClipTokenizer tokenizer =
        ClipTokenizer::load(kinora::test::goldenPath("tiny-odd/tokenizer"));
    return tokenizer;
}

LearntWord learnt(const std::string& word, const char* file) {
    return {word, TextualInversion(kinora::test::goldenPath(std::string("embeddings/") + file))};
}

// "cat" has one vector, "cat-cat" has four.
std::vector<LearntWord> words() {
    return {learnt("cat", "token.safetensors"), learnt("cat-cat", "easy-word.pt")};
}

std::string pieces(std::string_view text) {
    std::string all;
    for (const ComfyPiece& piece : splitEmbeddings(text))
        all += piece.embedding.empty() ? "'" + piece.text + "'" : "<" + piece.embedding + ">";
    return all;
}

// Of the chunk's places: "a" of which word, "." a token.
std::string places(const PromptChunk& chunk) {
    std::string text(chunk.ids.size(), '.');
    for (const PromptChunk::Learnt& learnt : chunk.learnt) {
        CHECK(chunk.ids[learnt.at] == 0);
        text[learnt.at] = static_cast<char>('a' + learnt.word);
    }
    return text;
}

std::vector<PromptChunk> chunks(const std::string& text, PromptSyntax syntax) {
    static const std::vector<LearntWord> all = words();
    return promptChunks({{text, 1.5}}, syntax, tokenizer(), all);
}

} // namespace

TEST_CASE("the longest name is found, in any case, and nothing else") {
    const std::vector<LearntWord> all = words();
    const WordFinder finder(all, tokenizer());
    const std::vector<int32_t> ids = tokenizer().encode("red Cat-CAT cat");
    const size_t red = tokenizer().encode("red").size();
    CHECK_FALSE(finder.at(ids, 0));
    REQUIRE(finder.at(ids, red));
    CHECK(finder.at(ids, red)->word == 1);
    CHECK(finder.at(ids, red)->tokens == tokenizer().encode("cat-cat").size());
    CHECK(finder.at(ids, ids.size() - 1)->word == 0);
    CHECK_FALSE(finder.at(ids, ids.size()));
    CHECK(finder.length(ids) == red + 4 + 1);
}

TEST_CASE("vectors take their places, with the weight of their part") {
    for (const PromptSyntax syntax : {PromptSyntax::A1111, PromptSyntax::Plain}) {
        const auto found = chunks("cat-cat red cat", syntax);
        REQUIRE(found.size() == 1);
        const size_t red = tokenizer().encode("red").size();
        CHECK(places(found[0]) ==
              ".bbbb" + std::string(red, '.') + "a" + std::string(20 - 6 - red, '.'));
        CHECK(found[0].learnt[3].vector == 3);
        CHECK(found[0].weights[4] == (syntax == PromptSyntax::Plain ? 1.0f : 1.5f));
        CHECK(found[0].ids[6 + red] == tokenizer().endToken());
    }
    const auto comfy = chunks("embedding:CAT, cat-cat embedding:none", PromptSyntax::Comfy);
    CHECK(places(comfy[0]).substr(0, 3) == ".a.");
    CHECK(comfy[0].learnt.size() == 1);
}

TEST_CASE("vectors stay together") {
    std::string text;
    for (int i = 0; i < 16; ++i) text += ", ";
    const auto found = chunks(text + "cat-cat", PromptSyntax::A1111);
    REQUIRE(found.size() == 2);
    CHECK(found[0].learnt.empty());
    CHECK(places(found[1]) == ".bbbb" + std::string(15, '.'));
    CHECK(chunks(text + "cat-cat", PromptSyntax::Plain)[0].learnt.empty()); // cut off
}

TEST_CASE("what follows a comma moves with its vectors") {
    std::string text;
    for (int i = 0; i < 10; ++i) text += ", ";
    const auto found = chunks(text + "cat-cat cat cat cat cat cat", PromptSyntax::A1111);
    REQUIRE(found.size() == 2);
    CHECK(found[0].learnt.empty());
    CHECK(places(found[1]) == ".bbbbaaaaa" + std::string(10, '.'));
}

TEST_CASE("ComfyUI's names are cut out of the text") {
    CHECK(pieces("a embedding:style, cat") == "'a '<style>', cat'");
    CHECK(pieces("embedding:sub/Style.pt") == "<Style>");
    CHECK(pieces("embedding:a embedding:b") == "<a>' '<b>");
    CHECK(pieces("noembedding:a embedding: b") == "'noembedding:a embedding:'' b'");
    CHECK(pieces("") == "''");
}

TEST_CASE("a name counts as a word of its own") {
    CHECK(namesWord("a photo, EasyNegative", "easynegative"));
    CHECK(namesWord("(bad-hands-5:1.2)", "bad-hands-5"));
    CHECK(namesWord("a <style> cat", "<style>"));
    CHECK_FALSE(namesWord("concatenate", "cat"));
    CHECK_FALSE(namesWord("cats and a scat", "cat"));
    CHECK_FALSE(namesWord("anything", ""));
}
