#include "pipelines/request/embedding_choice.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora::pipelines;

namespace {

std::string read(const std::string& text) {
    const auto choice = parseEmbeddingChoice(text);
    return choice ? choice->name + " | " + choice->word : "none";
}

} // namespace

TEST_CASE("the word is the file's name, or what is said") {
    CHECK(read("easynegative") == "easynegative | easynegative");
    CHECK(read("/models/v1.5-neg.SafeTensors") == "/models/v1.5-neg.SafeTensors | v1.5-neg");
    CHECK(read("v1.5-neg") == "v1.5-neg | v1.5-neg");
    CHECK(read("a.pt:<cat toy>") == "a.pt | <cat toy>");
    CHECK(read("/a:b/c.bin") == "/a:b/c.bin | c");
    for (const char* text : {"", ":word", "a.pt:", "/models/"}) CHECK(read(text) == "none");
}

TEST_CASE("another name keeps the word") {
    CHECK(withEmbeddingName("cat.pt", "/models/cat.pt") == "/models/cat.pt");
    CHECK(withEmbeddingName("/models/cat.pt", "cat") == "cat");
    CHECK(withEmbeddingName("cat", "/assets/0f3a") == "/assets/0f3a:cat");
    CHECK(withEmbeddingName("/assets/0f3a:cat", "cat") == "cat");
    CHECK(withEmbeddingName("cat:dog", "cat.pt") == "cat.pt:dog");
    CHECK(withEmbeddingName("cat", "a:b") == "a:b:cat");
}
