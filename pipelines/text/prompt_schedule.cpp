#include "pipelines/text/prompt_schedule.h"

#include "kernels/base/error.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace kinora::pipelines {

namespace {

constexpr size_t kMostTexts = 256;
constexpr int kDeepest = 64; // brackets within brackets beyond this are text
constexpr std::string_view kBlanks = " \t\r\n\f\v";

struct Node;
using Sequence = std::vector<Node>;

// Text as it is, or a choice of sequences: by the call, or in turns.
struct Node {
    enum class Kind { Text, Switch, Turns };
    Kind kind = Kind::Text;
    std::string text;
    std::vector<Sequence> choices; // Switch: before and after
    int64_t lastBefore = 0;        // of Switch
};

class ScheduleParser {
  public:
    ScheduleParser(std::string_view text, int64_t calls) : m_text(text), m_calls(calls) {}

    // Brackets that do not fit are text, at the outermost level only.
    Sequence parse() {
        Sequence all;
        while (m_at < m_text.size()) {
            append(all, prompt(0));
            if (m_at < m_text.size()) addText(all, m_text.substr(m_at++, 1));
        }
        return all;
    }
    const std::set<int64_t>& bounds() const { return m_bounds; }
    bool hasTurns() const { return m_hasTurns; }

  private:
    static void addText(Sequence& to, std::string_view text) {
        if (to.empty() || to.back().kind != Node::Kind::Text) to.emplace_back();
        to.back().text += text;
    }
    static void append(Sequence& to, Sequence from) {
        for (Node& node : from) {
            if (node.kind == Node::Kind::Text)
                addText(to, node.text);
            else
                to.push_back(std::move(node));
        }
    }

    // Up to what ends it: a closing bracket, ':' or '|', or an opening bracket that fits nothing.
    Sequence prompt(int depth) {
        Sequence found;
        while (m_at < m_text.size()) {
            const char c = m_text[m_at];
            if (c == '(' || c == '[') {
                const size_t begin = m_at;
                auto group = depth < kDeepest ? (c == '(' ? round(depth + 1) : square(depth + 1))
                                              : std::nullopt;
                if (!group) {
                    m_at = begin;
                    return found;
                }
                append(found, *std::move(group));
            } else if (c == ')' || c == ']' || c == ':' || c == '|') {
                return found;
            } else if (c == '\\') {
                addText(found, m_text.substr(m_at, 2));
                m_at = std::min(m_at + 2, m_text.size());
            } else {
                addText(found, m_text.substr(m_at++, 1));
            }
        }
        return found;
    }

    bool take(char c) {
        if (m_at >= m_text.size() || m_text[m_at] != c) return false;
        ++m_at;
        return true;
    }

    // (prompt) or (prompt:prompt), brackets and all: weights are read later.
    std::optional<Sequence> round(int depth) {
        take('(');
        Sequence all;
        addText(all, "(");
        append(all, prompt(depth));
        if (take(':')) {
            addText(all, ":");
            append(all, prompt(depth));
        }
        if (!take(')')) return std::nullopt;
        addText(all, ")");
        return all;
    }

    // [prompt], [to:when], [from:to:when] or [a|b ...].
    std::optional<Sequence> square(int depth) {
        take('[');
        Sequence first = prompt(depth);
        if (take(']')) {
            Sequence all;
            addText(all, "[");
            append(all, std::move(first));
            addText(all, "]");
            return all;
        }
        if (m_at < m_text.size() && m_text[m_at] == '|') return turns(std::move(first), depth);
        if (!take(':')) return std::nullopt;
        if (const auto when = takeWhen()) return change({}, std::move(first), *when);
        Sequence second = prompt(depth);
        if (!take(':')) return std::nullopt;
        const auto when = takeWhen();
        if (!when) return std::nullopt;
        return change(std::move(first), std::move(second), *when);
    }

    std::optional<Sequence> turns(Sequence first, int depth) {
        Node node{.kind = Node::Kind::Turns, .text = {}, .choices = {std::move(first)}};
        while (take('|')) node.choices.push_back(prompt(depth));
        if (!take(']')) return std::nullopt;
        m_hasTurns = true;
        return Sequence{std::move(node)};
    }

    Sequence change(Sequence before, Sequence after, int64_t when) {
        if (when >= 1) m_bounds.insert(when);
        Node node{.kind = Node::Kind::Switch,
                  .text = {},
                  .choices = {std::move(before), std::move(after)},
                  .lastBefore = when};
        return {std::move(node)};
    }

    // A number with blanks around it and the closing bracket; nullopt, and nothing taken, else.
    std::optional<int64_t> takeWhen() {
        constexpr size_t kLongest = 64;
        const std::string_view near = m_text.substr(m_at, kLongest);
        const size_t end = near.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        std::string_view said = near.substr(0, end);
        const size_t first = said.find_first_not_of(kBlanks);
        if (first == std::string_view::npos) return std::nullopt;
        said = said.substr(first, said.find_last_not_of(kBlanks) - first + 1);
        const bool share = said.find('.') != std::string_view::npos;
        if (said.front() == '+') said.remove_prefix(1);
        double number = 0;
        const auto [stop, error] = std::from_chars(said.data(), said.data() + said.size(), number);
        if (error != std::errc() || stop != said.data() + said.size() || !std::isfinite(number))
            return std::nullopt;
        m_at += end + 1;
        if (share) number *= static_cast<double>(m_calls);
        return static_cast<int64_t>(std::clamp(number, -1.0, static_cast<double>(m_calls)));
    }

    std::string_view m_text;
    int64_t m_calls;
    size_t m_at = 0;
    std::set<int64_t> m_bounds;
    bool m_hasTurns = false;
};

// call: 1, 2 ...
void addTextAt(const Sequence& sequence, int64_t call, std::string& text) {
    for (const Node& node : sequence) {
        if (node.kind == Node::Kind::Text) text += node.text;
        if (node.kind == Node::Kind::Switch)
            addTextAt(node.choices[call <= node.lastBefore ? 0 : 1], call, text);
        if (node.kind == Node::Kind::Turns)
            addTextAt(node.choices[static_cast<size_t>(call - 1) % node.choices.size()], call,
                      text);
    }
}

bool isPlain(const Sequence& sequence) {
    return std::ranges::all_of(sequence,
                               [](const Node& node) { return node.kind == Node::Kind::Text; });
}

} // namespace

size_t PromptSchedule::textAt(int64_t call) const {
    const auto found = std::ranges::lower_bound(entries, call, {}, &Entry::lastCall);
    return found == entries.end() ? entries.back().text : found->text;
}

PromptSchedule promptSchedule(std::string_view text, int64_t calls) {
    ScheduleParser parser(text, calls);
    const Sequence sequence = parser.parse();
    PromptSchedule schedule;
    schedule.isScheduled = !isPlain(sequence);
    std::set<int64_t> bounds = parser.bounds();
    bounds.insert(calls);
    if (parser.hasTurns())
        for (int64_t call = 1; call < calls; ++call) bounds.insert(call);
    std::map<std::string, size_t> known; // text to its index
    for (const int64_t bound : bounds) {
        std::string then;
        addTextAt(sequence, bound, then);
        const auto [found, isNew] = known.emplace(then, schedule.texts.size());
        if (isNew) {
            if (schedule.texts.size() == kMostTexts)
                throw Error(ErrorCode::InvalidArgument,
                            "The prompt changes into more than 256 texts in this run.",
                            "Use fewer steps, or fewer choices that take turns.");
            schedule.texts.push_back(std::move(then));
            schedule.times.push_back(0);
        }
        ++schedule.times[found->second];
        schedule.entries.push_back({bound, found->second});
    }
    return schedule;
}

} // namespace kinora::pipelines
