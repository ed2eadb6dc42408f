#include "pipelines/text/prompt_chunks.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace kinora::pipelines;

namespace {

// Reads 18 tokens at once: the tiny vocabulary has "cat" and "," as one token each.
const ClipTokenizer& tokenizer() {
    static const ClipTokenizer tokenizer =
        ClipTokenizer::load(kinora::test::goldenPath("tiny-odd/tokenizer"));
    return tokenizer;
}

std::string repeated(const std::string& word, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += word;
    return text;
}

// Tokens of the text in each chunk.
std::vector<size_t> sizes(const std::vector<PromptChunk>& chunks) {
    std::vector<size_t> sizes;
    for (const PromptChunk& chunk : chunks) {
        CHECK(chunk.ids.size() == 20);
        CHECK(chunk.weights.size() == 20);
        CHECK(chunk.ids.front() == tokenizer().startToken());
        const auto end = std::ranges::find(chunk.ids, tokenizer().endToken());
        sizes.push_back(static_cast<size_t>(end - chunk.ids.begin()) - 1);
    }
    return sizes;
}

std::vector<size_t> sizesOf(const std::vector<PromptPart>& parts, PromptSyntax syntax) {
    return sizes(promptChunks(parts, syntax, tokenizer()));
}

} // namespace

TEST_CASE("a text that fits is what the tokenizer pads") {
    for (const PromptSyntax syntax :
         {PromptSyntax::A1111, PromptSyntax::Comfy, PromptSyntax::Plain})
        for (const std::string text : {"", "cat", "cat cat cat"}) {
            const auto chunks = promptChunks({{text}}, syntax, tokenizer());
            REQUIRE(chunks.size() == 1);
            CHECK(chunks[0].ids == tokenizer().encodePadded(text));
            CHECK(chunks[0].weights == std::vector<float>(20, 1));
        }
}

TEST_CASE("tokens carry the weight of their part") {
    const auto chunks = promptChunks({{"cat ", 1}, {"cat", 1.5}}, PromptSyntax::A1111, tokenizer());
    CHECK(chunks[0].weights[1] == 1.0f);
    CHECK(chunks[0].weights[2] == 1.5f);
    CHECK(chunks[0].weights[3] == 1.0f);
}

TEST_CASE("longer texts take more chunks, plain ones are cut") {
    const std::string text = repeated("cat ", 40);
    CHECK(sizesOf({{text}}, PromptSyntax::A1111) == std::vector<size_t>{18, 18, 4});
    CHECK(sizesOf({{text}}, PromptSyntax::Comfy) == std::vector<size_t>{18, 18, 4});
    CHECK(sizesOf({{text}}, PromptSyntax::Plain) == std::vector<size_t>{18});
    CHECK(sizesOf({{repeated("cat ", 18)}}, PromptSyntax::A1111) == std::vector<size_t>{18});
}

TEST_CASE("A1111 moves what follows the last comma, ComfyUI keeps short parts whole") {
    const std::string text = repeated("cat ", 14) + ", " + repeated("cat ", 6);
    CHECK(sizesOf({{text}}, PromptSyntax::A1111) == std::vector<size_t>{15, 6});
    CHECK(sizesOf({{text}}, PromptSyntax::Comfy) == std::vector<size_t>{18, 3});
    const std::vector<PromptPart> parts = {{repeated("cat ", 15)}, {repeated("cat ", 7), 1.5}};
    CHECK(sizesOf(parts, PromptSyntax::Comfy) == std::vector<size_t>{15, 7});
    CHECK(sizesOf(parts, PromptSyntax::A1111) == std::vector<size_t>{18, 4});
}

TEST_CASE("BREAK begins a chunk, even where nothing was said") {
    const PromptPart pause{.text = {}, .isBreak = true};
    CHECK(sizesOf({{"cat"}, pause, {"cat cat"}}, PromptSyntax::A1111) == std::vector<size_t>{1, 2});
    CHECK(sizesOf({pause, pause, {"cat"}}, PromptSyntax::A1111) == std::vector<size_t>{0, 0, 1});
}
