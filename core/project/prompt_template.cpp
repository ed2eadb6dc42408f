#include "core/project/prompt_template.h"

#include <algorithm>
#include <numeric>

namespace kinora::core {
namespace {

using Kind = PromptNode::Kind;

constexpr size_t kLongestPrompt = 100'000;
constexpr size_t kMostNodes =
    4'000'000; // wildcards of wildcards grow fast, even where they are empty

Error tooLong() {
    return Error(ErrorCode::InvalidArgument,
                 "A prompt gets longer than 100000 bytes where its choices are filled in.",
                 "Use fewer wildcards in it.");
}

// The options that are taken, by their places, in the order in which they are written down.
std::vector<size_t> drawOptions(const std::vector<PromptOption>& options, int64_t count,
                                SplitMix& random) {
    std::vector<double> weights;
    for (const PromptOption& option : options) weights.push_back(option.weight);
    std::vector<size_t> taken;
    while (static_cast<int64_t>(taken.size()) < count) {
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        if (!(sum > 0)) break; // all are taken
        double place = random.unit() * sum;
        size_t chosen = weights.size();
        for (size_t i = 0; i < weights.size(); ++i) {
            if (weights[i] <= 0) continue;
            chosen = i;
            if (place < weights[i]) break;
            place -= weights[i];
        }
        taken.push_back(chosen);
        weights[chosen] = 0;
    }
    return taken;
}

class Drawer {
  public:
    Drawer(Wildcards& wildcards, SplitMix& random) : m_wildcards(wildcards), m_random(random) {}

    std::string text(const PromptSequence& parts) {
        std::string result;
        for (const PromptNode& node : parts) {
            result += node.kind == Kind::Text ? node.text : chosen(node);
            if (result.size() > kLongestPrompt || ++m_nodes > kLongestPrompt) throw tooLong();
        }
        return result;
    }

  private:
    std::string chosen(const PromptNode& node) {
        const auto& options =
            node.kind == Kind::Wildcard ? m_wildcards.lines(node.text) : node.options;
        const auto range = static_cast<double>(node.most - node.least + 1);
        int64_t count = node.least;
        if (range > 1) count += static_cast<int64_t>(m_random.unit() * range);
        std::string result;
        bool first = true;
        for (const size_t option : drawOptions(options, count, m_random)) {
            if (!first) result += node.separator;
            first = false;
            result += text(options[option].parts);
        }
        return result;
    }

    Wildcards& m_wildcards;
    SplitMix& m_random;
    size_t m_nodes = 0;
};

class Lister {
  public:
    Lister(Wildcards& wildcards, size_t most) : m_wildcards(wildcards), m_most(most) {}

    std::vector<std::string> texts(const PromptSequence& parts) {
        std::vector<std::string> result{""};
        for (const PromptNode& node : parts) {
            if (++m_nodes > kMostNodes) throw tooLong();
            if (node.kind == Kind::Text) {
                for (std::string& text : result) append(text, node.text);
                continue;
            }
            const std::vector<std::string> choices = chosen(node);
            std::vector<std::string> longer;
            check(result.size() * choices.size());
            for (const std::string& text : result)
                for (const std::string& choice : choices) {
                    longer.push_back(text);
                    append(longer.back(), choice);
                }
            result = std::move(longer);
        }
        return result;
    }

  private:
    void check(size_t count) const {
        if (count > m_most)
            throw Error(ErrorCode::InvalidArgument,
                        "There are more than " + std::to_string(m_most) +
                            " combinations of the prompt's choices.",
                        "Use fewer, or let them be drawn at random.");
    }

    void append(std::string& text, const std::string& more) {
        text += more;
        m_bytes += more.size() + 1;
        constexpr size_t kMostBytes = size_t{256} << 20;
        if (text.size() > kLongestPrompt || m_bytes > kMostBytes) throw tooLong();
    }

    // Every selection of the allowed sizes, in the order of the options.
    std::vector<std::string> chosen(const PromptNode& node) {
        const auto& options =
            node.kind == Kind::Wildcard ? m_wildcards.lines(node.text) : node.options;
        std::vector<std::vector<std::string>> each;
        for (const PromptOption& option : options) each.push_back(texts(option.parts));
        std::vector<std::string> result;
        for (int64_t count = node.least; count <= node.most; ++count)
            select(node, each, 0, count, "", true, result);
        return result;
    }

    void select(const PromptNode& node, const std::vector<std::vector<std::string>>& each,
                size_t from, int64_t count, const std::string& begun, bool first,
                std::vector<std::string>& result) {
        if (count == 0) {
            check(result.size() + 1);
            result.push_back(begun);
            return;
        }
        for (size_t i = from; i + static_cast<size_t>(count) <= each.size(); ++i)
            for (const std::string& text : each[i]) {
                std::string longer = begun;
                append(longer, first ? text : node.separator + text);
                select(node, each, i + 1, count - 1, longer, false, result);
            }
    }

    Wildcards& m_wildcards;
    size_t m_most;
    size_t m_bytes = 0, m_nodes = 0;
};

} // namespace

uint64_t SplitMix::next() {
    uint64_t z = (m_state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

double SplitMix::unit() {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

PromptTemplate::PromptTemplate(std::string_view text, Wildcards& wildcards)
    : m_parts(parsePrompt(text)), m_wildcards(&wildcards) {
    wildcards.require(m_parts);
}

bool PromptTemplate::varies() const {
    return std::ranges::any_of(m_parts,
                               [](const PromptNode& node) { return node.kind != Kind::Text; });
}

std::string PromptTemplate::draw(SplitMix& random) const {
    return Drawer(*m_wildcards, random).text(m_parts);
}

std::vector<std::string> PromptTemplate::all(size_t most) const {
    return Lister(*m_wildcards, most).texts(m_parts);
}

} // namespace kinora::core
