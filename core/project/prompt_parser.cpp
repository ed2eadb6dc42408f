// The notation of prompt_template.h: text to nodes.

#include "core/media/text_encoding.h"
#include "core/project/prompt_template.h"
#include "kernels/base/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace kinora::core {
namespace {

using Kind = PromptNode::Kind;

constexpr int kDeepest = 32;
constexpr size_t kMostOptions = 100'000;

bool isNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '/' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

// A file below the folder, and no other.
bool isWildcardName(std::string_view name) {
    if (name.empty() || name.size() > 200 || name.front() == '/' || name.back() == '/')
        return false;
    if (!std::ranges::all_of(name, isNameCharacter) || !isValidUtf8(name)) return false;
    for (size_t at = 0; at < name.size(); ++at) // no part begins with a dot: neither .. nor hidden
        if (name[at] == '.' && (at == 0 || name[at - 1] == '/')) return false;
    return true;
}

std::optional<double> numberOf(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
        value < 0)
        return std::nullopt;
    return value;
}

std::optional<int64_t> countOf(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

// Takes "2::" from the front.
double takeWeight(std::string_view& option) {
    const size_t end = option.find("::");
    if (end == std::string_view::npos) return 1;
    const std::string digits = trimmed(option.substr(0, end));
    const std::optional<double> weight = digits.empty() ? std::nullopt : numberOf(digits);
    if (!weight) return 1;
    option.remove_prefix(end + 2);
    return *weight;
}

class Parser {
  public:
    explicit Parser(int depth) : m_depth(depth) {
        if (depth > kDeepest)
            throw Error(ErrorCode::InvalidArgument, "A prompt's choices nest deeper than 32.",
                        "Use fewer braces.");
    }

    PromptSequence parse(std::string_view text) {
        for (size_t at = 0; at < text.size();) {
            const char c = text[at];
            if (c == '\\' && at + 1 < text.size() &&
                std::string_view("{}|_").find(text[at + 1]) != std::string_view::npos) {
                m_text += text[at + 1];
                at += 2;
            } else if (c == '{') {
                at = choice(text, at);
            } else if (c == '}') {
                throw unbalanced(text, at, "a '}' without its '{'");
            } else if (c == '_' && text.substr(at, 2) == "__") {
                at = wildcard(text, at);
            } else {
                m_text += c;
                ++at;
            }
        }
        flush();
        return std::move(m_parts);
    }

  private:
    static Error unbalanced(std::string_view text, size_t at, const char* what) {
        const std::string_view around = text.substr(at, 40);
        return Error(ErrorCode::InvalidArgument,
                     std::string("The prompt has ") + what + ": " + repairedUtf8(around),
                     "{a|b} chooses; for the character itself write \\{ or \\}.");
    }

    void flush() {
        if (!m_text.empty()) m_parts.push_back({Kind::Text, std::move(m_text), {}, 1, 1, {}});
        m_text.clear();
    }

    size_t wildcard(std::string_view text, size_t at) {
        const size_t end = text.find("__", at + 2);
        const std::string_view name =
            end == std::string_view::npos ? "" : text.substr(at + 2, end - at - 2);
        if (!isWildcardName(name)) { // underscores, no more
            m_text += "__";
            return at + 2;
        }
        flush();
        m_parts.push_back({Kind::Wildcard, std::string(name), {}, 1, 1, {}});
        return end + 2;
    }

    size_t choice(std::string_view text, size_t start) {
        std::vector<std::string_view> options;
        int level = 0;
        size_t begin = start + 1;
        for (size_t at = start; at < text.size(); ++at) {
            if (text[at] == '\\') {
                ++at;
                continue;
            }
            if (text[at] == '{') ++level;
            const bool closes = text[at] == '}' && --level == 0;
            if (closes || (text[at] == '|' && level == 1)) {
                options.push_back(text.substr(begin, at - begin));
                begin = at + 1;
                if (options.size() > kMostOptions)
                    throw unbalanced(text, start, "too many options");
            }
            if (!closes) continue;
            flush();
            m_parts.push_back(choiceOf(std::move(options)));
            return at + 1;
        }
        throw unbalanced(text, start, "a '{' without its '}'");
    }

    PromptNode choiceOf(std::vector<std::string_view> options) const {
        PromptNode node{Kind::Choice, {}, {}, 1, 1, ", "};
        const auto most = static_cast<int64_t>(options.size());
        takeCounts(options.front(), node, most);
        for (std::string_view option : options) {
            const double weight = takeWeight(option);
            node.options.push_back({weight, Parser(m_depth + 1).parse(trimmed(option))});
        }
        return node;
    }

    // Takes "2$$", "1-2$$" or "1-2$$ and $$" from the front of the first option.
    static void takeCounts(std::string_view& option, PromptNode& node, int64_t most) {
        const size_t end = option.find("$$");
        if (end == std::string_view::npos) return;
        const std::string counts = trimmed(option.substr(0, end));
        const size_t dash = counts.find('-');
        const bool range = dash != std::string::npos;
        const std::string low = counts.substr(0, dash);
        const std::string high = range ? counts.substr(dash + 1) : counts;
        const std::optional<int64_t> least = low.empty() && range ? 0 : countOf(low);
        const std::optional<int64_t> upper = high.empty() && range ? most : countOf(high);
        if (!least || !upper || *least > *upper)
            throw Error(ErrorCode::InvalidArgument,
                        "A choice's count is not understood: " +
                            repairedUtf8(option.substr(0, std::min<size_t>(end + 2, 40))),
                        "Write {2$$a|b|c} or {1-2$$a|b|c}.");
        node.least = std::min(*least, most);
        node.most = std::min(*upper, most);
        option.remove_prefix(end + 2);
        const size_t separator = option.find("$$");
        if (separator == std::string_view::npos) return;
        node.separator = option.substr(0, separator);
        option.remove_prefix(separator + 2);
    }

    int m_depth;
    std::string m_text;
    PromptSequence m_parts;
};

} // namespace

PromptSequence parsePrompt(std::string_view text) {
    return Parser(0).parse(text);
}

} // namespace kinora::core
