#include "pipelines/weights/json_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace kinora::pipelines;
using kinora::test::contains;
using kinora::test::TemporaryFolder;
using kinora::test::thrownBy;

TEST_CASE("JSON from outside is refused with the file's name and the reason") {
    const std::pair<std::string, const char*> texts[] = {
        {"", "not valid JSON"},
        {"{", "not valid JSON"},
        {"{\"a\":\"\xc3\x28\"}", "not valid JSON"},
        {"{} x", "not valid JSON"},
        {"[1]", "object was expected"},
        {R"({"a":1,"a":2})", "names \"a\" twice"},
        {R"({"x":[{"a":1,"b":{"a":1},"a":2}]})", "names \"a\" twice"},
        {R"({"a":)" + std::string(40, '[') + std::string(40, ']') + "}", "deeper than 32"},
        {std::string(1'000'000, '{'), "deeper than 32"},
        {"<html></html>", "web page"},
        {"version https://git-lfs.github.com/spec/v1", "Git LFS"},
        {"{\"a\":1e999}", "out of range"},
    };
    for (const auto& [text, message] : texts) {
        const std::string found = thrownBy([&] { parseJsonObject(text, "vae/config.json"); });
        CAPTURE(found);
        CHECK(found.starts_with("bad-file: vae/config.json: "));
        CHECK(contains(found, message));
    }
}

TEST_CASE("Python's infinities are read as null, outside of texts") {
    const auto json = parseJsonObject(
        R"({"a":-Infinity,"b":[Infinity, 1],"c":"-Infinity \" Infinity","Infinity":2})", "x");
    CHECK(json["a"].is_null());
    CHECK(json["b"][0].is_null());
    CHECK(json["b"][1] == 1);
    CHECK(json["c"] == "-Infinity \" Infinity");
    CHECK(json["Infinity"] == 2);
    CHECK_THROWS(parseJsonObject(R"({"a":--Infinity})", "x"));
    CHECK_THROWS(parseJsonObject(R"({"a":Infinity5})", "x"));
    CHECK_THROWS(parseJsonObject(R"({"a":NaN})", "x"));
}

TEST_CASE("good JSON is read; brackets in texts do not count as nesting") {
    const auto json =
        parseJsonObject(R"({"a":"[[[[\"[[{{","b":[{"a":1},{"a":2}]})", "x", {.depth = 3});
    CHECK(json["b"][1]["a"] == 2);
}

TEST_CASE("a file that is too long is not read") {
    const TemporaryFolder folder;
    const auto path = folder.write("c.json", "{\"a\": 12345678}");
    CHECK(readJsonFile(path, "c.json")["a"] == 12345678);
    CHECK(
        contains(thrownBy([&] { readJsonFile(path, "c.json", {.sizeBytes = 10}); }), "at most 10"));
    CHECK(thrownBy([&] {
              readJsonFile(folder.path() / "d.json", "d.json");
          }).starts_with("not-found: d.json"));
}

TEST_CASE("values in messages are short and printable") {
    CHECK(brief("a") == "\"a\"");
    CHECK(brief(std::string("\xff\x01")) == "\"\\ufffd\\u0001\"");
    CHECK(brief(std::string(1000, 'x')).size() == 80);
}
