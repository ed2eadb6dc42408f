#include "pipelines/text/byte_pair_encoder.h"

#include "kernels/base/error.h"

#include <queue>

#include <tuple>

namespace kinora::pipelines {

namespace {

uint64_t pairKey(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

std::string utf8(uint32_t c) { // below U+0800: all that the byte letters need
    if (c < 0x80) return {static_cast<char>(c)};
    return {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
}

// The printable character that stands for each byte: itself where it is one in Latin-1, else the
// next from U+0100 on.
std::array<std::string, 256> byteLetters() {
    std::array<std::string, 256> letters;
    uint32_t spare = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) {
        const bool printable =
            (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
        letters[byte] = utf8(printable ? byte : spare++);
    }
    return letters;
}

struct Symbol {
    int32_t id;
    int32_t previous, following; // -1: none
    bool joined;                 // to the one before: no longer there
};

struct Candidate {
    int32_t rank, position, result;
    bool operator<(const Candidate& other) const { // the queue's top is its largest
        return std::tie(other.rank, other.position) < std::tie(rank, position);
    }
};

} // namespace

BytePairEncoder::BytePairEncoder(const Vocabulary& vocabulary, const Merges& merges,
                                 int32_t unknown, const std::string& label) {
    const auto idOf = [&](const std::string& token) {
        const auto found = vocabulary.find(token);
        return found == vocabulary.end() ? unknown : found->second;
    };
    const auto letters = byteLetters();
    for (size_t byte = 0; byte < letters.size(); ++byte) {
        m_letters[byte] = idOf(letters[byte]);
        m_lastLetters[byte] = idOf(letters[byte] + "</w>");
    }
    int32_t rank = 0;
    for (const auto& [left, right] : merges) {
        for (const std::string& token : {left, right, left + right})
            if (!vocabulary.contains(token))
                throw Error(ErrorCode::BadFile,
                            label + ": merge " + std::to_string(rank + 1) +
                                " makes or joins a token that is not in the vocabulary.",
                            "The tokenizer's files do not belong together; fetch them again.");
        m_merges[pairKey(idOf(left), idOf(right))] = {rank++, idOf(left + right)};
    }
}

const BytePairEncoder::Merge* BytePairEncoder::find(int32_t left, int32_t right) const {
    const auto found = m_merges.find(pairKey(left, right));
    return found == m_merges.end() ? nullptr : &found->second;
}

void BytePairEncoder::encode(std::string_view word, std::vector<int32_t>& ids) const {
    const auto count = static_cast<int32_t>(word.size());
    std::vector<Symbol> symbols;
    symbols.reserve(word.size());
    for (int32_t i = 0; i < count; ++i) {
        const auto byte = static_cast<uint8_t>(word[static_cast<size_t>(i)]);
        const bool last = i + 1 == count;
        symbols.push_back(
            {last ? m_lastLetters[byte] : m_letters[byte], i - 1, last ? -1 : i + 1, false});
    }
    const auto at = [&](int32_t position) -> Symbol& {
        return symbols[static_cast<size_t>(position)];
    };
    std::priority_queue<Candidate> queue;
    const auto offer = [&](int32_t left) {
        if (left < 0 || at(left).following < 0) return;
        if (const Merge* merge = find(at(left).id, at(at(left).following).id))
            queue.push({merge->rank, left, merge->result});
    };
    for (int32_t i = 0; i + 1 < count; ++i) offer(i);
    while (!queue.empty()) {
        const Candidate best = queue.top();
        queue.pop();
        Symbol& left = at(best.position);
        if (left.joined || left.following < 0) continue;
        Symbol& right = at(left.following);
        // An offer is out of date where either of its two has changed since.
        const Merge* merge = find(left.id, right.id);
        if (!merge || merge->result != best.result) continue;
        left.id = merge->result;
        left.following = right.following;
        right.joined = true;
        if (left.following >= 0) at(left.following).previous = best.position;
        offer(left.previous);
        offer(best.position);
    }
    for (const Symbol& symbol : symbols)
        if (!symbol.joined) ids.push_back(symbol.id);
}

} // namespace kinora::pipelines
