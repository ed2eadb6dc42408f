#include "kernels/base/error.h"
#include "pipelines/text/clip_tokenizer.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using kinora::pipelines::ClipTokenizer;
using kinora::test::GoldenFile;
using nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

fs::path source(const std::string& path) {
    return fs::path(KINORA_SOURCE_DIR) / path;
}

ClipTokenizer tiny() {
    return ClipTokenizer::load(source("tests/golden/data/tiny-sd1/tokenizer"));
}

void compareAll(const ClipTokenizer& tokenizer, const std::string& name) {
    const json texts = kinora::test::readGoldenJson("tokenizer/texts.json");
    const GoldenFile golden("tokenizer/ids.safetensors");
    const auto ids = golden.shorts(name + ".ids"), counts = golden.shorts(name + ".counts");
    REQUIRE(texts.size() >= 2000);
    REQUIRE(counts.size() == texts.size());
    auto at = ids.begin();
    for (size_t i = 0; i < texts.size(); ++i) {
        const Ids expected(at, at + counts[i]);
        at += counts[i];
        CAPTURE(texts[i].dump(-1, ' ', true)); // as ASCII
        CHECK((tokenizer.encode(texts[i].get<std::string>()) == expected));
    }
    CHECK((at == ids.end()));
}

double secondsToEncode(const ClipTokenizer& tokenizer, const std::string& text) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(!tokenizer.encode(text).empty());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string repeated(std::string_view part, size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += part;
    return text;
}

} // namespace

// Golden ids: tests/golden/generate_tokenizer.py, which says what is left out and why.
TEST_CASE("ids equal transformers' CLIPTokenizer in many scripts, the starter model") {
    const auto folder = source("resources/models/starter-image/tokenizer");
    compareAll(ClipTokenizer::load(folder), "starter");
}

TEST_CASE("ids equal transformers' CLIPTokenizer in many scripts, a tiny vocabulary") {
    compareAll(tiny(), "tiny");
}

TEST_CASE("ids equal transformers' CLIPTokenizer, special tokens found after lower-casing") {
    compareAll(ClipTokenizer::load(source("tests/golden/data/tokenizer/normalized")), "normalized");
}

TEST_CASE("tokenizer.json alone and vocab.json with merges.txt say the same") {
    const fs::path from = source("tests/golden/data/tiny-sd1/tokenizer");
    for (const auto& files : {std::vector<const char*>{"tokenizer.json"},
                              std::vector<const char*>{"vocab.json", "merges.txt"}}) {
        const kinora::test::TemporaryFolder folder;
        for (const char* file : files) fs::copy_file(from / file, folder.path() / file);
        fs::copy_file(from / "tokenizer_config.json", folder.path() / "tokenizer_config.json");
        compareAll(ClipTokenizer::load(folder.path()), "tiny");
    }
}

TEST_CASE("prompts are framed, cut and padded") {
    const ClipTokenizer tokenizer = tiny();
    CHECK(tokenizer.maxLength() == 77);
    CHECK(tokenizer.startToken() == 572);
    CHECK(tokenizer.endToken() == 573);
    CHECK(tokenizer.paddingToken() == 573);
    CHECK(tokenizer.vocabularySize() == 574);
    Ids expected(77, 573);
    expected[0] = 572;
    CHECK((tokenizer.encodePadded("") == expected));
    expected[1] = 320; // "a"
    CHECK((tokenizer.encodePadded("a") == expected));
    const Ids cut = tokenizer.encodePadded(repeated("a ", 1000));
    CHECK(cut.size() == 77);
    CHECK(cut[75] == 320);
    CHECK(cut[76] == 573);

    const auto two = ClipTokenizer::load(source("tests/golden/data/tiny-sd2v/tokenizer"));
    CHECK(two.paddingToken() == 0); // "!"
    CHECK(two.encodePadded("a").back() == 0);
}

TEST_CASE("invalid UTF-8 is refused") {
    const ClipTokenizer tokenizer = tiny();
    for (const char* bad : {"\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
        CHECK_THROWS_AS(tokenizer.encode(bad), kinora::Error);
}

TEST_CASE("a zero byte is a character like another") {
    CHECK(tiny().encode(std::string_view("a\0b", 3)).size() == 3);
}

TEST_CASE("time grows no faster than a megabyte of anything needs") {
    const ClipTokenizer tokenizer = tiny();
    constexpr size_t megabyte = 1'000'000;
    // One word; one word that merges; digits; marks that all have to be put in order; markers.
    for (const char* part : {"q", "apple", "1", "\xcc\x81\xcc\xa3", "<|endoftext|>", "<|", "' "})
        CHECK(secondsToEncode(tokenizer, repeated(part, megabyte)) < 15);
}
