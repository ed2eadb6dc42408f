#include "pipelines/request/lora_choice.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora::pipelines;

TEST_CASE("a LoRA is a name and up to two weights") {
    const auto check = [](const char* text, const char* name, double weight, double textWeight) {
        CAPTURE(std::string(text));
        const auto choice = parseLoraChoice(text);
        REQUIRE(choice.has_value());
        CHECK(choice->name == name);
        CHECK(choice->weight == weight);
        CHECK(choice->textWeight == textWeight);
    };
    check("style", "style", 1, 1);
    check("style:0.8", "style", 0.8, 0.8);
    check("style:0.8:0.5", "style", 0.8, 0.5);
    check("style:-1", "style", -1, -1);
    check("/models/a b.safetensors:0.25", "/models/a b.safetensors", 0.25, 0.25);
    check("C:odd:1", "C:odd", 1, 1);
    check("a:b", "a:b", 1, 1);
}

TEST_CASE("what makes no sense is no LoRA") {
    for (const char* text : {"", ":0.5", "style:101", "style:1:-101", "style:inf", "style:nan"})
        CHECK(!parseLoraChoice(text).has_value());
}

TEST_CASE("another name keeps the weights as they were written") {
    CHECK(withLoraName("/models/style.safetensors:0.80:1", "style") == "style:0.80:1");
    CHECK(withLoraName("style", "/models/x.safetensors") == "/models/x.safetensors");
}

TEST_CASE("a choice is written as short as says it, and read back as it was") {
    const auto check = [](const LoraChoice& choice, const char* text) {
        CHECK(toText(choice) == text);
        const auto read = parseLoraChoice(toText(choice));
        REQUIRE(read.has_value());
        CHECK(read->name == choice.name);
        CHECK(read->weight == choice.weight);
        CHECK(read->textWeight == choice.textWeight);
    };
    check({"style", 1, 1}, "style");
    check({"style", 0.8, 0.8}, "style:0.8");
    check({"style", 0.8, 0.5}, "style:0.8:0.5");
    check({"style", 1, 0}, "style:1:0");
    check({"part:2", 1, 1}, "part:2:1:1");
}

TEST_CASE("a LoRA may count differently in each block") {
    const auto choice = parseLoraChoice("style:0.8:0.5:lbw=OUTALL");
    REQUIRE(choice.has_value());
    CHECK(choice->name == "style");
    CHECK(choice->weight == 0.8);
    CHECK(choice->textWeight == 0.5);
    CHECK(choice->blocks == parseLoraBlocks("OUTALL"));
    CHECK(parseLoraChoice("style:lbw=1,1,1,1,1,1,0,0,0,0,0,0")->blocks.has_value());
    CHECK(!parseLoraChoice("style:0.8")->blocks.has_value());
    CHECK(!parseLoraChoice("style:0.8:lbw=1,2").has_value());
    CHECK(!parseLoraChoice("style:lbw=").has_value());
    CHECK(withLoraName("/x/style.safetensors:0.80:lbw=ALL", "style") == "style:0.80:lbw=ALL");
    for (const char* text : {"style:0.8:0.5:lbw=OUTALL", "style:lbw=MIDD",
                             "style:lbw=1,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-2"})
        CHECK(toText(*parseLoraChoice(text)) == text);
    const auto twelve = parseLoraChoice("style:lbw=1,1,1,1,1,1,0.5,0,0,0,0,0");
    CHECK(parseLoraChoice(toText(*twelve))->blocks == twelve->blocks);
}
