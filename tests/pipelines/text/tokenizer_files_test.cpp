// Hostile and unusual tokenizer folders.

#include "kernels/base/error.h"
#include "pipelines/text/tokenizer_files.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace fs = std::filesystem;
using kinora::Error;
using kinora::ErrorCode;
using nlohmann::json;
using namespace kinora::pipelines;

namespace {

const json kVocabulary = {{"a", 0}, {"b</w>", 1},           {"ab</w>", 2},
                          {"!", 3}, {"<|startoftext|>", 4}, {"<|endoftext|>", 5}};

// A folder of its own for each test, with good files to begin with.
class Folder {
  public:
    Folder() {
        write("vocab.json", kVocabulary.dump());
        write("merges.txt", "#version: 0.2\na b</w>\n");
    }

    void write(const char* file, const std::string& text) const { m_folder.write(file, text); }
    void writeJson(const char* file, const json& content) const { write(file, content.dump()); }
    void remove(const char* file) const { fs::remove(m_folder.path() / file); }
    TokenizerFiles read() const { return readTokenizerFiles(m_folder.path()); }

    // What reading throws.
    std::string problem(ErrorCode code = ErrorCode::BadFile) const {
        try {
            read();
        } catch (const Error& error) {
            CHECK(error.code() == code);
            CHECK(error.message().size() < 400);
            return error.message();
        }
        return "nothing";
    }

  private:
    kinora::test::TemporaryFolder m_folder;
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

const AddedToken* find(const TokenizerFiles& files, std::string_view content) {
    for (const AddedToken& token : files.addedTokens)
        if (token.content == content) return &token;
    return nullptr;
}

json rule(const char* content, bool normalized) {
    return {{"content", content}, {"lstrip", false}, {"normalized", normalized}};
}

} // namespace

TEST_CASE("vocab.json and merges.txt are enough") {
    const TokenizerFiles files = Folder().read();
    CHECK(files.vocabulary.size() == 6);
    CHECK(files.merges.size() == 1);
    CHECK(files.startToken == 4);
    CHECK(files.endToken == 5);
    CHECK(files.paddingToken == 5);
    CHECK(files.unknownToken == 5);
    CHECK(files.maxLength == 77);
    CHECK(find(files, "<|endoftext|>")->normalized == false);
}

TEST_CASE("a vocabulary that is none is refused by the file's name") {
    const Folder folder;
    const auto problem = [&](const json& vocabulary) {
        folder.writeJson("vocab.json", vocabulary);
        const std::string text = folder.problem();
        CHECK(contains(text, "vocab.json"));
        return text;
    };
    problem(json::array());
    problem(json::object());
    for (const json& id : {json(-1), json(1.5), json("1"), json(nullptr), json(5'000'000),
                           json(18446744073709551615u), json(true)}) {
        json vocabulary = kVocabulary;
        vocabulary["x"] = id;
        CHECK(contains(problem(vocabulary), "\"x\""));
    }
    json twice = kVocabulary;
    twice["x"] = 3;
    CHECK(contains(problem(twice), "two tokens"));
    json headless = kVocabulary;
    headless.erase("<|startoftext|>");
    CHECK(contains(problem(headless), "<|startoftext|>"));
    folder.write("vocab.json", std::string(R"({"a":0,"a":1})"));
    CHECK(contains(folder.problem(), "vocab.json"));
    folder.write("vocab.json", std::string("{\"a\":0,"));
    CHECK(contains(folder.problem(), "vocab.json"));
    folder.remove("vocab.json");
    CHECK(contains(folder.problem(ErrorCode::NotFound), "vocab.json"));
}

TEST_CASE("merges that are none are refused by file and line") {
    const Folder folder;
    for (const char* line : {"ab", "a b c", " a", "a ", "a  b"}) {
        folder.write("merges.txt", std::string("#version: 0.2\na b</w>\n") + line + "\n");
        CHECK(contains(folder.problem(), "merges.txt: line 3"));
    }
    folder.write("merges.txt", "a b</w>\r\n\r\n");
    CHECK(folder.read().merges.size() == 1);
    folder.remove("merges.txt");
    CHECK(contains(folder.problem(ErrorCode::NotFound), "merges.txt"));
}

TEST_CASE("the length comes from the config, where it is one") {
    const Folder folder;
    const auto lengthOf = [&](const json& value) {
        folder.writeJson("tokenizer_config.json", json{{"model_max_length", value}});
        return folder.read().maxLength;
    };
    CHECK(lengthOf(32) == 32);
    CHECK(lengthOf(1e30) == 77); // "unlimited"
    CHECK(lengthOf(nullptr) == 77);
    for (const json& value : {json(2), json(-77), json(100'000), json("77")}) {
        folder.writeJson("tokenizer_config.json", json{{"model_max_length", value}});
        CHECK(contains(folder.problem(), "model_max_length"));
    }
}

TEST_CASE("special_tokens_map.json goes before tokenizer_config.json") {
    const Folder folder;
    folder.writeJson("tokenizer_config.json", json{{"pad_token", "<|endoftext|>"}});
    folder.writeJson("special_tokens_map.json", json{{"bos_token", rule("<|startoftext|>", true)},
                                                     {"eos_token", rule("<|endoftext|>", true)},
                                                     {"unk_token", rule("<|endoftext|>", true)},
                                                     {"pad_token", "!"}});
    TokenizerFiles files = folder.read();
    CHECK(files.paddingToken == 3);
    CHECK(find(files, "!") != nullptr);
    CHECK(find(files, "<|endoftext|>")->normalized);
    // The same text given plainly after it: the last word counts.
    folder.writeJson("special_tokens_map.json", json{{"eos_token", rule("<|endoftext|>", true)},
                                                     {"pad_token", "<|endoftext|>"}});
    CHECK(!find(folder.read(), "<|endoftext|>")->normalized);
}

TEST_CASE("added_tokens_decoder goes before both, and may add tokens") {
    const Folder folder;
    folder.writeJson("tokenizer_config.json",
                     json{{"added_tokens_decoder",
                           {{"5", rule("<|endoftext|>", true)}, {"6", rule("<cat>", false)}}}});
    folder.writeJson("special_tokens_map.json", json{{"pad_token", "!"}});
    const TokenizerFiles files = folder.read();
    CHECK(files.paddingToken == 5);
    CHECK(find(files, "<|endoftext|>")->normalized);
    REQUIRE(find(files, "<cat>") != nullptr);
    CHECK(find(files, "<cat>")->id == 6);
    CHECK(files.vocabulary.at("<cat>") == 6);
}

TEST_CASE("malformed special tokens are refused by the file's name") {
    const Folder folder;
    for (const json& token : {json(5), json::array(), json::object(), json{{"content", 5}},
                              json{{"content", "!"}, {"normalized", "yes"}}}) {
        folder.writeJson("special_tokens_map.json", json{{"pad_token", token}});
        CHECK(contains(folder.problem(), "special_tokens_map.json"));
    }
    folder.writeJson("special_tokens_map.json",
                     json{{"pad_token", {{"content", "!"}, {"single_word", true}}}});
    CHECK(contains(folder.problem(ErrorCode::Unsupported), "single_word"));
    folder.remove("special_tokens_map.json");
    for (const json& decoder : {json::array(), json{{"-1", rule("x", false)}}, json{{"1", 5}}}) {
        folder.writeJson("tokenizer_config.json", json{{"added_tokens_decoder", decoder}});
        CHECK(contains(folder.problem(), "tokenizer_config.json"));
    }
}

TEST_CASE("tokenizer.json goes before vocab.json, and is checked as it is") {
    const Folder folder;
    json vocabulary = kVocabulary;
    vocabulary["x"] = 6;
    json whole = {{"model",
                   {{"type", "BPE"},
                    {"vocab", vocabulary},
                    {"merges", json::array({json::array({"a", "b</w>"}), "a b</w>"})}}},
                  {"added_tokens", json::array()}};
    folder.writeJson("tokenizer.json", whole);
    CHECK(folder.read().vocabulary.size() == 7);
    CHECK(folder.read().merges.size() == 2);
    const auto problem = [&](ErrorCode code = ErrorCode::BadFile) {
        folder.writeJson("tokenizer.json", whole);
        const std::string text = folder.problem(code);
        CHECK(contains(text, "tokenizer.json"));
        return text;
    };
    whole["added_tokens"] = json::array({rule("<dog>", false)});
    CHECK(contains(problem(), "no id"));
    whole["added_tokens"] = 5;
    problem();
    whole["model"]["merges"] = json::array({json::array({"a"})});
    CHECK(contains(problem(), "merge 1"));
    whole["model"]["type"] = "Unigram";
    CHECK(contains(problem(ErrorCode::Unsupported), "Unigram"));
    whole.erase("model");
    problem();
}
