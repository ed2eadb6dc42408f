#pragma once
// Byte pair encoding: a word's bytes, joined pair by pair in the order of the merges. Source:
// Sennrich et al. 2016; bytes as in Radford et al. 2019; the end of a word is part of its last
// letter ("</w>").

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kinora::pipelines {

using Vocabulary = std::unordered_map<std::string, int32_t>;
using Merges = std::vector<std::pair<std::string, std::string>>; // most wanted first

class BytePairEncoder {
  public:
    // A byte whose letter is not in the vocabulary becomes unknown. Throws Error{BadFile}, which
    // begins with label, where a merge speaks of tokens that are not in the vocabulary.
    BytePairEncoder(const Vocabulary& vocabulary, const Merges& merges, int32_t unknown,
                    const std::string& label);

    // Appends the word's ids. Time n log n in the word's length.
    void encode(std::string_view word, std::vector<int32_t>& ids) const;

  private:
    struct Merge {
        int32_t rank, result;
    };
    const Merge* find(int32_t left, int32_t right) const;

    std::array<int32_t, 256> m_letters{}, m_lastLetters{};
    std::unordered_map<uint64_t, Merge> m_merges; // by both ids
};

} // namespace kinora::pipelines
