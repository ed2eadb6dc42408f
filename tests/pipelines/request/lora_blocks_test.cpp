#include "pipelines/request/lora_blocks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace kinora::pipelines;

namespace {

// The blocks as sd-webui-lora-block-weight names them.
const std::vector<std::string> kNames = {
    "BASE",  "IN00",  "IN01",  "IN02",  "IN03",  "IN04",  "IN05",  "IN06",  "IN07",
    "IN08",  "IN09",  "IN10",  "IN11",  "M00",   "OUT00", "OUT01", "OUT02", "OUT03",
    "OUT04", "OUT05", "OUT06", "OUT07", "OUT08", "OUT09", "OUT10", "OUT11"};
const std::vector<std::string> k12 = {"BASE",  "IN04",  "IN05",  "IN07",  "IN08",  "M00",
                                      "OUT00", "OUT01", "OUT02", "OUT03", "OUT04", "OUT05"};
const std::vector<std::string> k17 = {"BASE",  "IN01",  "IN02",  "IN04",  "IN05",  "IN07",
                                      "IN08",  "M00",   "OUT03", "OUT04", "OUT05", "OUT06",
                                      "OUT07", "OUT08", "OUT09", "OUT10", "OUT11"};
const std::vector<std::string> k20 = {"BASE",  "IN00",  "IN01",  "IN02",  "IN03",  "IN04",  "IN05",
                                      "IN06",  "IN07",  "IN08",  "M00",   "OUT00", "OUT01", "OUT02",
                                      "OUT03", "OUT04", "OUT05", "OUT06", "OUT07", "OUT08"};

double weightOf(const LoraBlocks& blocks, const std::string& name) {
    const auto at = std::ranges::find(kNames, name);
    REQUIRE(at != kNames.end());
    return blocks.weights[static_cast<size_t>(at - kNames.begin())];
}

// "0.01,0.02,..."
std::string counted(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i)
        text += (i ? "," : "") + std::to_string(static_cast<double>(i + 1) / 100);
    return text;
}

} // namespace

TEST_CASE("a list of numbers is about the blocks that its length stands for, others are 0") {
    for (const auto& list : {k12, k17, k20, kNames}) {
        CAPTURE(list.size());
        const auto blocks = parseLoraBlocks(counted(list.size()));
        REQUIRE(blocks.has_value());
        for (size_t i = 0; i < list.size(); ++i)
            CHECK(weightOf(*blocks, list[i]) == doctest::Approx(static_cast<double>(i + 1) / 100));
        for (const std::string& name : kNames)
            if (std::ranges::find(list, name) == list.end()) CHECK(weightOf(*blocks, name) == 0);
    }
}

TEST_CASE("presets are the web UI's on the blocks that those speak of") {
    struct Row {
        const char* name;
        const char* numbers; // of 17
    };
    const Row rows[] = {
        {"NONE", "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"},
        {"ALL", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"},
        {"INS", "1,1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0"},
        {"IND", "1,0,0,0,1,1,1,0,0,0,0,0,0,0,0,0,0"},
        {"INALL", "1,1,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0"},
        {"MIDD", "1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0"},
        {"OUTD", "1,0,0,0,0,0,0,0,1,1,1,1,0,0,0,0,0"},
        {"OUTS", "1,0,0,0,0,0,0,0,0,0,0,0,1,1,1,1,1"},
        {"OUTALL", "1,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1"},
        {"ALL0.5", "0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.name));
        const auto preset = parseLoraBlocks(row.name), list = parseLoraBlocks(row.numbers);
        REQUIRE(preset.has_value());
        REQUIRE(list.has_value());
        for (const std::string& name : k17) CHECK(weightOf(*preset, name) == weightOf(*list, name));
    }
    CHECK(weightOf(*parseLoraBlocks("ALL"), "IN00") == 1);
    CHECK(weightOf(*parseLoraBlocks("OUTALL"), "OUT00") == 1);
    CHECK(weightOf(*parseLoraBlocks("OUTALL"), "IN11") == 0);
}

TEST_CASE("what is no list of blocks is none") {
    for (const char* text :
         {"", "1", "all", "OUT", "1,1,1,1,1,1,1,1,1,1,1", "1,1,1,1,1,1,1,1,1,1,1,",
          "1,1,1,1,1,1,1,1,1,1,1,R", "1,1,1,1,1,1,1,1,1,1,1,nan", "1,1,1,1,1,1,1,1,1,1,1,101"})
        CHECK(!parseLoraBlocks(text).has_value());
    CHECK(!parseLoraBlocks(counted(27)).has_value());
    CHECK(!parseLoraBlocks(counted(5000)).has_value());
    CHECK(parseLoraBlocks("1, 1 ,1,1,1,1,1,1,1,1,1,-100").has_value());
}
