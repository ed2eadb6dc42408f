// Random schedules and their texts: tests/golden/generate_prompts.py, by regular expressions from
// the inside out, where this is a parser from the outside in.
#include "kernels/base/error.h"
#include "pipelines/text/prompt_schedule.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace kinora::pipelines;
using nlohmann::json;

TEST_CASE("schedules are those of the published rule") {
    for (const json& entry : kinora::test::readGoldenJson("prompts.json").at("schedule")) {
        CAPTURE(entry.dump());
        const PromptSchedule schedule = promptSchedule(entry[0].get<std::string>(), 8);
        REQUIRE(schedule.entries.size() == entry[1].size());
        for (size_t i = 0; i < schedule.entries.size(); ++i) {
            CHECK(schedule.entries[i].lastCall == entry[1][i][0]);
            CHECK(schedule.texts[schedule.entries[i].text] == entry[1][i][1]);
        }
    }
}

TEST_CASE("a text holds up to and with its last call, counted from 0") {
    const PromptSchedule schedule = promptSchedule("a [red:green:0.5] apple", 10);
    CHECK(schedule.isScheduled);
    CHECK(schedule.texts[schedule.textAt(0)] == "a red apple");
    CHECK(schedule.texts[schedule.textAt(5)] == "a red apple");
    CHECK(schedule.texts[schedule.textAt(6)] == "a green apple");
    CHECK(schedule.texts[schedule.textAt(100)] == "a green apple");
}

TEST_CASE("texts that come back are kept once, and counted") {
    const PromptSchedule schedule = promptSchedule("[a|b]", 5);
    CHECK(schedule.texts == std::vector<std::string>{"a", "b"});
    CHECK(schedule.times == std::vector<int64_t>{3, 2});
    CHECK(schedule.entries.size() == 5);
}

TEST_CASE("brackets that fit no rule are text") {
    for (const char* text : {"a [cat", "a] cat", "((a][b", "[a:b]", "[a:b:c]", "a (cat:1.2)", "[a]",
                             "|a", "[a:b:nan]", "[a:b:3", "[a(:b:3]", "a:b", "\\"}) {
        const PromptSchedule schedule = promptSchedule(text, 10);
        CHECK(schedule.texts.front() == text);
        CHECK_MESSAGE(!schedule.isScheduled, text);
    }
    CHECK(promptSchedule("((a][:b:c [d:3]", 10).texts ==
          std::vector<std::string>{"((a][:b:c ", "((a][:b:c d"});
}

TEST_CASE("a long text of brackets is read in no time") {
    for (const char* piece : {"[", "[a:", "(", "[a|", "[x(", "[:"}) {
        std::string text;
        while (text.size() < 100'000) text += piece;
        CHECK(promptSchedule(text, 10).texts.front() == text);
    }
}

TEST_CASE("a prompt of too many texts is refused") {
    const std::string text = "[a|b][a|b|c][a|b|c|d|e][a|b|c|d|e|f|g|h|i|j|k]"; // 330 of them
    CHECK(promptSchedule(text, 250).texts.size() == 250);
    CHECK_THROWS_AS(promptSchedule(text, 1000), kinora::Error);
}
