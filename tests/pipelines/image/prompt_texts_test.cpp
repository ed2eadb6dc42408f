#include "pipelines/image/prompt_texts.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace kinora::pipelines;

namespace {

ImageRequest asking(const std::string& prompt, const std::string& syntax = "auto") {
    ImageRequest request;
    request.prompt = prompt;
    request.promptSyntax = syntax;
    return request;
}

} // namespace

TEST_CASE("what no language claims is plain, unless a language is named") {
    CHECK(promptSyntaxOf(asking("a cat :)")) == PromptSyntax::Plain);
    CHECK(promptSyntaxOf(asking("a (cat")) == PromptSyntax::Plain);
    CHECK(promptSyntaxOf(asking("a (cat)")) == PromptSyntax::A1111);
    CHECK(promptSyntaxOf(asking("a (cat)", "plain")) == PromptSyntax::Plain);
    CHECK(promptSyntaxOf(asking("a (cat)", "comfy")) == PromptSyntax::Comfy);
    CHECK(promptSyntaxOf(asking("a cat", "a1111")) == PromptSyntax::A1111);
    ImageRequest negative = asking("a cat");
    negative.negative = "[dark]";
    CHECK(promptSyntaxOf(negative) == PromptSyntax::A1111);
}

TEST_CASE("a prompt is taken apart into what is joined, and its LoRAs are handed on") {
    const PromptTexts texts =
        readPrompts(asking("a [red:green:5] apple <lora:shiny:0.8> AND a cat :0.5"), 10);
    REQUIRE(texts.positive.size() == 2);
    CHECK(texts.positive[0].schedule.texts.size() == 2);
    CHECK(texts.positive[1].schedule.texts.front() == " a cat");
    CHECK(texts.positive[1].weight == 0.5);
    REQUIRE(texts.loras.size() == 1);
    CHECK(texts.loras[0].name == "shiny");
    CHECK_FALSE(texts.isOne());
}

TEST_CASE("other languages leave A1111's alone") {
    for (const char* syntax : {"plain", "comfy"}) {
        const std::string prompt = "a [red:green:5] apple <lora:shiny:0.8> AND a cat :0.5";
        const PromptTexts texts = readPrompts(asking(prompt, syntax), 10);
        CHECK(texts.isOne());
        CHECK(texts.loras.empty());
        CHECK(texts.positive[0].schedule.texts.front() == prompt);
    }
}
