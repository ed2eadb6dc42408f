#include "pipelines/image/prompt_texts.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

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

TEST_CASE("a prompt is taken apart into what is joined") {
    const PromptTexts texts = readPrompts(asking("a [red:green:5] apple AND a cat :0.5"), 10);
    REQUIRE(texts.positive.size() == 2);
    CHECK(texts.positive[0].schedule.texts.size() == 2);
    CHECK(texts.positive[1].schedule.texts.front() == " a cat");
    CHECK(texts.positive[1].weight == 0.5);
    CHECK_FALSE(texts.isOne());
}

TEST_CASE("LoRAs of the prompt become the request's, once") {
    ImageRequest request = asking("a cat <lora:shiny:0.8>, <lora:old:1:-0.25>dark");
    request.loras = {"own"};
    takePromptLoras(request);
    const std::vector<std::string> expected = {"own", "shiny:0.8", "old:-0.25:1.0"};
    CHECK(request.loras == expected);
    CHECK(request.prompt == "a cat , dark");
    CHECK(request.promptSyntax == "a1111");
    takePromptLoras(request);
    CHECK(request.loras == expected);
    request.prompt = "<lora:a:0.5:lbw=OUTALL><lora:b:1:INS><lora:c:lbw=odd>";
    request.loras.clear();
    takePromptLoras(request);
    CHECK(request.loras ==
          std::vector<std::string>{"a:0.5:lbw=OUTALL", "b:1.0:lbw=INS", "c:1.0:lbw=odd"});
}

TEST_CASE("other languages leave A1111's alone") {
    for (const char* syntax : {"plain", "comfy"}) {
        ImageRequest request =
            asking("a [red:green:5] apple <lora:shiny:0.8> AND a cat :0.5", syntax);
        const std::string prompt = request.prompt;
        takePromptLoras(request);
        CHECK(request.loras.empty());
        const PromptTexts texts = readPrompts(request, 10);
        CHECK(texts.isOne());
        CHECK(texts.positive[0].schedule.texts.front() == prompt);
    }
}
