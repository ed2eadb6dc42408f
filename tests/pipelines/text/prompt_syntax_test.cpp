// Random texts and what the published rules make of them: tests/golden/generate_prompts.py, an
// implementation of its own in Python.
#include "kernels/base/error.h"
#include "pipelines/text/prompt_syntax.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace kinora::pipelines;
using kinora::test::readGoldenJson;
using nlohmann::json;

namespace {

// Equal to golden pairs [text, weight], where BREAK has no weight.
bool isSame(const std::vector<PromptPart>& parts, const json& expected) {
    if (parts.size() != expected.size()) return false;
    for (size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].isBreak != expected[i][1].is_null()) return false;
        if (parts[i].isBreak) continue;
        const double weight = expected[i][1].get<double>();
        if (parts[i].text != expected[i][0] || std::abs(parts[i].weight - weight) > 1e-9)
            return false;
    }
    return true;
}

} // namespace

TEST_CASE("weights are those of the published rules") {
    const json golden = readGoldenJson("prompts.json");
    for (const json& entry : golden.at("a1111")) {
        CAPTURE(entry.dump());
        CHECK(isSame(parseA1111(entry[0].get<std::string>()), entry[1]));
    }
    for (const json& entry : golden.at("comfy")) {
        CAPTURE(entry.dump());
        CHECK(isSame(parseComfy(entry[0].get<std::string>()), entry[1]));
    }
    CHECK(golden.at("a1111").size() >= 300);
}

TEST_CASE("AND is taken apart as the published rule does") {
    for (const json& entry : readGoldenJson("prompts.json").at("joint")) {
        CAPTURE(entry.dump());
        const std::vector<JointPrompt> prompts = splitJoint(entry[0].get<std::string>());
        REQUIRE(prompts.size() == entry[1].size());
        for (size_t i = 0; i < prompts.size(); ++i) {
            CHECK(prompts[i].text == entry[1][i][0]);
            CHECK(prompts[i].weight == entry[1][i][1]);
        }
    }
}

TEST_CASE("LoRAs are taken out, everything else in angle brackets stays") {
    std::vector<LoraMention> loras;
    CHECK(takeLoras("a <lora:one>cat<lora:two:0.8> <lora:three:0.5:0.25> <lora:four:te=2:unet=-1>",
                    loras) == "a cat  ");
    REQUIRE(loras.size() == 4);
    CHECK(loras[0].name == "one");
    CHECK(loras[0].weight == 1);
    CHECK(loras[1].weight == 0.8);
    CHECK(loras[1].textWeight == 0.8);
    CHECK(loras[2].textWeight == 0.5);
    CHECK(loras[2].weight == 0.25);
    CHECK(loras[3].textWeight == 2);
    CHECK(loras[3].weight == -1);
    loras.clear();
    CHECK(takeLoras("<lora:a:0.5:lbw=OUTALL><lora:b:1:0.5:MIDD><lora:c:te=2:lbw= odd ><lora:d:1>",
                    loras)
              .empty());
    REQUIRE(loras.size() == 4);
    CHECK(loras[0].blocks == "OUTALL");
    CHECK(loras[0].weight == 0.5);
    CHECK(loras[1].blocks == "MIDD");
    CHECK(loras[1].textWeight == 1);
    CHECK(loras[1].weight == 0.5);
    CHECK(loras[2].blocks == "odd");
    CHECK(loras[3].blocks.empty());
    loras.clear();
    CHECK(takeLoras("a <lo<lora:one:1>ra:two:0.5>cat", loras) == "a cat");
    REQUIRE(loras.size() == 2);
    CHECK(loras[0].name == "one");
    CHECK(loras[1].name == "two");
    loras.clear();
    for (const char* text : {"a <3 b", "<lora:>", "<lora", "<hypernet:x:1>", "<>", "a < b > c"})
        CHECK(takeLoras(text, loras) == text);
    CHECK(loras.empty());
}

TEST_CASE("only what the language gives a meaning counts as its use") {
    for (const char* text : {"a (cat)", "[cat]", "(cat:1.2)", "a\\(b\\)", "a BREAK b", "a AND b",
                             "[a:b:3]", "[a|b]", "<lora:x:1>"})
        CHECK_MESSAGE(usesPromptSyntax(text), text);
    for (const char* text : {"", "a cat", ":)", "a (cat", "cat)", "c:\\new", "16:9", "BREAKFAST",
                             "SAND", "a|b", "[cat", "a <3 b"})
        CHECK_MESSAGE(!usesPromptSyntax(text), text);
}

TEST_CASE("weights that no number holds are refused by name") {
    const auto isRefused = [](const auto& read) {
        try {
            read();
        } catch (const kinora::Error& error) {
            return error.code() == kinora::ErrorCode::InvalidArgument &&
                   error.message().find("weight") != std::string::npos;
        }
        return false;
    };
    const std::string digits(60, '9');
    for (const std::string& text : {"(a:" + digits + ")", "(a:-" + digits + ")",
                                    std::string("((a:90000):2)"), std::string("(a:100001)")}) {
        CHECK_MESSAGE(isRefused([&] { parseA1111(text); }), text);
        CHECK_MESSAGE(isRefused([&] { splitJoint("b AND a :" + digits); }), text);
    }
    CHECK(isRefused([] { parseComfy("(a:1e300)"); }));
    CHECK(parseA1111("(a:100000)").front().weight == 100'000);
}

TEST_CASE("deep and endless brackets come to an end") {
    const std::string many(100'000, '('), closed(100'000, ')');
    CHECK_THROWS_AS(parseA1111(many), kinora::Error);
    CHECK_THROWS_AS(parseA1111(many + "a" + closed), kinora::Error);
    std::string words;
    for (int i = 0; i < 50'000; ++i) words += "(a";
    CHECK_THROWS_AS(parseA1111(words), kinora::Error);
    CHECK(parseA1111(std::string(100, '[') + "a").front().weight < 1);
    CHECK(!parseComfy(many + "a" + closed).empty());
    CHECK(!usesPromptSyntax(many));
    CHECK(usesPromptSyntax(many + "a" + closed));
}
