#include "pipelines/text/unicode_text.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kinora::pipelines;
using Words = std::vector<std::string>;

namespace {

Words words(std::string_view text) {
    Words found;
    splitWords(text, [&](std::string_view word) { found.emplace_back(word); });
    return found;
}

} // namespace

TEST_CASE("text is composed, put in order and lower-cased") {
    CHECK(normalizeText("e\u0301") == "\u00e9");
    CHECK(normalizeText("q\u0307\u0323") == "q\u0323\u0307");
    CHECK(normalizeText("\u1100\u1161\u11a8") == "\uac01");
    CHECK(normalizeText("\u212b") == "\u00e5"); // the sign of the angstrom, small
    CHECK(normalizeText("\u03a3\u038a\u03a3") == "\u03c3\u03af\u03c3");
    CHECK(normalizeText("\u0130") == "i\u0307");
    CHECK(normalizeText("a \t\u3000\n b ") == "a b ");
    CHECK(normalizeText("") == "");
}

TEST_CASE("words are letters, single numbers, contractions and the rest") {
    CHECK((words("a photo, 3d") == Words{"a", "photo", ",", "3", "d"}));
    CHECK((words("12\u00bd") == Words{"1", "2", "\u00bd"}));
    CHECK((words("don't 's!'s") == Words{"don", "'t", "'s", "!'", "s"}));
    CHECK((words("'llama") == Words{"'ll", "ama"}));
    CHECK((words("a<|endoftext|>b") == Words{"a", "<|", "endoftext", "|>", "b"}));
    CHECK((words("!<|endoftext|>") == Words{"!<|", "endoftext", "|>"}));
    CHECK((words("e\u0301\u200d") == Words{"e", "\u0301\u200d"})); // marks are no letters
    CHECK((words(" \u3000 ") == Words{}));
}
