#include "kernels/base/error.h"
#include "pipelines/text/byte_pair_encoder.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::pipelines;
using Ids = std::vector<int32_t>;

namespace {

const Vocabulary kVocabulary = {{"a", 0},    {"b", 1},       {"a</w>", 2}, {"b</w>", 3},
                                {"ab", 4},   {"ab</w>", 5},  {"aba", 6},   {"abab</w>", 7},
                                {"unk", 99}, {"\xc4\xa0", 8}}; // the letter of the space

Ids encode(const Merges& merges, std::string_view word) {
    Ids ids;
    BytePairEncoder(kVocabulary, merges, 99, "merges.txt").encode(word, ids);
    return ids;
}

} // namespace

TEST_CASE("pairs join by rank, then from the left") {
    CHECK((encode({}, "ab") == Ids{0, 3}));
    CHECK((encode({{"a", "b"}}, "abab") == Ids{4, 0, 3}));
    CHECK((encode({{"a", "b</w>"}, {"a", "b"}, {"ab", "ab</w>"}}, "abab") == Ids{7}));
    // The lower rank goes first even where it stands further right.
    CHECK((encode({{"ab", "a"}, {"a", "b"}}, "abab") == Ids{6, 3}));
    CHECK((encode({{"a", "b"}}, "aab") == Ids{0, 0, 3}));
    CHECK((encode({}, "") == Ids{}));
}

TEST_CASE("a byte without a letter in the vocabulary is unknown") {
    CHECK((encode({}, "cab") == Ids{99, 0, 3}));
    CHECK((encode({}, " a") == Ids{8, 2}));
}

TEST_CASE("merges of tokens that are not there name the file and the line") {
    for (const Merges& merges : {Merges{{"a", "b"}, {"a", "c"}}, Merges{{"a", "b"}, {"b", "a"}}})
        CHECK_THROWS_WITH_AS(encode(merges, "a"), doctest::Contains("merges.txt: merge 2"),
                             kinora::Error);
}
