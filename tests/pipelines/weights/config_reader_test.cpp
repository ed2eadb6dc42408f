#include "pipelines/weights/config_reader.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace kinora::pipelines;
using kinora::test::thrownBy;
using nlohmann::json;

TEST_CASE("values are read with their types and ranges; null counts as absent") {
    const json config = json::parse(R"({"a": 3, "b": 0.5, "c": true, "d": "x", "e": [1, 2],
        "f": ["p"], "g": null, "h": [4, 6], "i": [2, [5, 4]], "j": [true, false], "_x": 1})");
    ConfigReader reader(config, "c.json");
    CHECK(reader.integer("a", 0, 1, 5) == 3);
    CHECK(reader.number("b", 0, 0, 1) == 0.5);
    CHECK(reader.number("a", 0, 0, 9) == 3);
    CHECK(reader.boolean("c", false));
    CHECK(reader.text("d", "") == "x");
    CHECK(reader.integers("e", {}, 1, 9) == std::vector<int64_t>{1, 2});
    CHECK(reader.texts("f", {}) == std::vector<std::string>{"p"});
    CHECK(reader.integer("g", 7, 1, 5) == 7);
    CHECK_FALSE(reader.has("g"));
    CHECK(reader.integerForEach("a", 2, 0, 1, 5) == std::vector<int64_t>{3, 3});
    CHECK(reader.integerForEach("e", 2, 0, 1, 5) == std::vector<int64_t>{1, 2});
    using Lists = std::vector<std::vector<int64_t>>;
    CHECK(reader.integersForEach("a", {2, 1}, 0, 1, 5) == Lists{{3, 3}, {3}});
    CHECK(reader.integersForEach("i", {3, 1}, 0, 1, 5) == Lists{{2, 2, 2}, {5, 4}});
    CHECK(reader.integersForEach("none", {1, 2}, 8, 1, 9) == Lists{{8}, {8, 8}});
    CHECK(reader.booleanForEach("c", 2, false) == std::vector<bool>{true, true});
    CHECK(reader.booleanForEach("j", 2, false) == std::vector<bool>{true, false});
    CHECK(reader.size("h", 9).height == 4);
    CHECK(reader.size("h", 9).width == 6);
    CHECK(reader.size("a", 9).width == 3);
    CHECK(reader.size("none", 9).height == 0);
    reader.requireDefault("c", true);
    reader.requireDefault("none", 1);
    reader.finish();
}

TEST_CASE("a wrong value is named with file, key, value and what was expected") {
    const json config = json::parse(R"({"text": "x", "big": 1e9, "fraction": 1.5, "negative": -1,
        "huge": 18446744073709551615, "list": [], "long": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],
        "mixed": [1, "x"], "nested": [[1], [2]], "three": [1, 2, 3],
        "truths": [true, false, true]})");
    ConfigReader reader(config, "c.json");
    const auto integer = [&](const char* key) {
        return thrownBy([&] { reader.integer(key, 0, 1, 100); });
    };
    CHECK(integer("text") ==
          "bad-file: c.json: \"text\" is \"x\"; expected an integer from 1 to 100.");
    for (const char* key : {"big", "fraction", "negative", "huge", "list"})
        CHECK(integer(key).starts_with("bad-file: c.json: \"" + std::string(key) + "\" is "));
    const auto integers = [&](const char* key) {
        return thrownBy([&] { reader.integers(key, {}, 1, 100); });
    };
    for (const char* key : {"text", "list", "long", "mixed", "nested"})
        CHECK(integers(key).starts_with("bad-file: c.json: \"" + std::string(key) + "\" is "));
    CHECK(
        thrownBy([&] { reader.boolean("text", true); }).starts_with("bad-file: c.json: \"text\""));
    CHECK(thrownBy([&] { reader.text("big", ""); }).starts_with("bad-file: c.json: \"big\""));
    CHECK(thrownBy([&] { reader.texts("mixed", {}); }).starts_with("bad-file: c.json: \"mixed\""));
    CHECK(thrownBy([&] {
              reader.number("text", 0, 0, 1);
          }).starts_with("bad-file: c.json: \"text\""));
    CHECK(
        thrownBy([&] { reader.number("big", 0, 0, 1); }).starts_with("bad-file: c.json: \"big\""));
    CHECK(thrownBy([&] { reader.integerForEach("three", 2, 0, 1, 9); }).starts_with("bad-file: "));
    CHECK(thrownBy([&] {
              reader.integerForEach("nested", 2, 0, 1, 9);
          }).starts_with("unsupported: c.json: \"nested\": [[1],[2]]"));
    for (const char* key : {"three", "mixed", "long"})
        CHECK(thrownBy([&] {
                  reader.integersForEach(key, {1, 1}, 0, 1, 9);
              }).starts_with("bad-file: c.json: \"" + std::string(key) + "\" is "));
    for (const char* key : {"text", "three", "list", "truths"})
        CHECK(thrownBy([&] {
                  reader.booleanForEach(key, 2, false);
              }).starts_with("bad-file: c.json: \"" + std::string(key) + "\" is "));
    CHECK(thrownBy([&] { reader.size("three", 9); }).starts_with("bad-file: "));
    CHECK(thrownBy([&] { reader.requireDefault("text", "y"); }) ==
          "unsupported: c.json: \"text\": \"x\" is not supported.");
}

TEST_CASE("a key that nobody asked for is named") {
    const json config = json::parse(R"({"known": 1, "harmless": 2, "novel": 3})");
    ConfigReader reader(config, "c.json");
    reader.integer("known", 0, 0, 9);
    reader.ignore({"harmless"});
    CHECK(thrownBy([&] { reader.finish(); }) ==
          "unsupported: c.json: \"novel\" is not a key that this version knows.");
    CHECK(thrownBy([] { ConfigReader(json::array(), "c.json"); }).starts_with("bad-file: c.json"));
}

TEST_CASE("limits are printed as whole numbers") {
    const json config = json::parse(R"({"a": -1, "b": [1, 0]})");
    ConfigReader reader(config, "c.json");
    CHECK(thrownBy([&] { reader.integer("a", 0, 0, 2147483647); }) ==
          "bad-file: c.json: \"a\" is -1; expected an integer from 0 to 2147483647.");
    CHECK(thrownBy([&] { reader.integers("b", {}, 1, 10'000'000); }) ==
          "bad-file: c.json: \"b\" is [1,0]; expected an integer from 1 to 10000000.");
}
