#include "pipelines/text/prompt_syntax.h"

#include "kernels/base/error.h"
#include "pipelines/request/lora_blocks.h"
#include "pipelines/text/prompt_schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace kinora::pipelines {

namespace {

constexpr double kBracket = 1.1;      // what a pair of round brackets multiplies by
constexpr size_t kDeepest = 100;      // brackets within brackets
constexpr double kHeaviest = 100'000; // weight, either way
constexpr size_t kLongestNumber = 64; // with what is around it
constexpr std::string_view kBlanks = " \t\r\n\f\v";

bool isBlank(char c) {
    return kBlanks.find(c) != std::string_view::npos;
}

bool isWordByte(char c) { // of a letter in UTF-8 too
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// All of the text is one finite number; a plus before it is allowed.
std::optional<double> numberIn(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('+')) text.remove_prefix(1);
    if (text.starts_with('+') || text.empty()) return std::nullopt;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

// The next place of a word that stands alone, as in "\bword\b".
size_t findWord(std::string_view text, std::string_view word, size_t from) {
    for (size_t at = text.find(word, from); at != std::string_view::npos;
         at = text.find(word, at + 1)) {
        const size_t end = at + word.size();
        const bool begins = at == 0 || !isWordByte(text[at - 1]);
        if (begins && (end == text.size() || !isWordByte(text[end]))) return at;
    }
    return std::string_view::npos;
}

[[noreturn]] void refuse(const std::string& what, const std::string& advice) {
    throw Error(ErrorCode::InvalidArgument, "The prompt " + what + ".", advice);
}

void checkWeight(double weight) {
    if (std::abs(weight) <= kHeaviest) return; // false for what is not a number
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), weight).ptr;
    refuse("has a weight of " + std::string(text.data(), end) + ", which is too large",
           "Use weights up to 100000; brackets within brackets multiply.");
}

void checkWeights(const std::vector<PromptPart>& parts) {
    for (const PromptPart& part : parts) checkWeight(part.weight);
}

class AttentionParser {
  public:
    explicit AttentionParser(std::string_view text) : m_text(text) {}

    std::vector<PromptPart> parse() {
        read();
        if (m_tooDeep)
            refuse("has more than 100 brackets within brackets",
                   "Close some of them, or use prompt syntax plain.");
        for (const size_t first : m_round) multiply(first, kBracket);
        for (const size_t first : m_square) multiply(first, 1 / kBracket);
        std::vector<PromptPart> parts = merged();
        checkWeights(parts);
        return parts;
    }
    // Whether a bracket is closed or escaped, or BREAK is there. Throws nothing.
    bool usesSyntax() {
        read();
        return m_used;
    }

  private:
    void read() {
        while (m_at < m_text.size()) step();
    }

    void step() {
        const char c = m_text[m_at];
        if (c == '\\') return escape();
        if (c == '(' || c == '[') {
            (c == '(' ? m_round : m_square).push_back(m_parts.size());
            m_tooDeep |= m_round.size() + m_square.size() > kDeepest;
            ++m_at;
        } else if (c == ')' && !m_round.empty()) {
            close(m_round, kBracket, 1);
        } else if (c == ']' && !m_square.empty()) {
            close(m_square, 1 / kBracket, 1);
        } else if (c == ':' || c == ')' || c == ']') {
            colonOrStray(c);
        } else {
            const size_t end = std::min(m_text.find_first_of("\\()[]:", m_at), m_text.size());
            addText(m_text.substr(m_at, end - m_at));
            m_at = end;
        }
    }

    void escape() {
        const std::string_view next = m_text.substr(m_at + 1, 1);
        const bool escapes =
            !next.empty() && std::string_view("()[]\\").find(next) != std::string_view::npos;
        if (escapes) m_parts.push_back({.text = std::string(next)});
        m_used |= escapes && next != "\\";
        m_at += escapes ? 2 : 1;
    }

    void colonOrStray(char c) {
        if (c == ':' && !m_round.empty()) {
            const std::string_view near = m_text.substr(m_at, kLongestNumber);
            const size_t end = near.find(')');
            const std::string_view said = near.substr(1, end - 1);
            const bool plain =
                trimmed(said).find_first_not_of("+-.0123456789") == std::string_view::npos;
            const auto weight =
                plain && end != std::string_view::npos ? numberIn(said) : std::nullopt;
            if (weight) return close(m_round, *weight, end + 1);
        }
        m_parts.push_back({.text = std::string(1, c)});
        ++m_at;
    }

    void close(std::vector<size_t>& open, double factor, size_t length) {
        multiply(open.back(), factor);
        open.pop_back();
        m_at += length;
        m_used = true;
    }

    // Each part once for each bracket around it.
    void multiply(size_t first, double factor) {
        if (m_tooDeep) return;
        for (size_t i = first; i < m_parts.size(); ++i) m_parts[i].weight *= factor;
    }

    void addText(std::string_view text) {
        constexpr std::string_view kBreak = "BREAK";
        size_t begin = 0;
        for (size_t at = findWord(text, kBreak, 0); at != std::string_view::npos;
             at = findWord(text, kBreak, begin)) {
            std::string_view before = text.substr(begin, at - begin);
            while (!before.empty() && isBlank(before.back())) before.remove_suffix(1);
            m_parts.push_back({.text = std::string(before)});
            m_parts.push_back({.text = {}, .isBreak = true});
            m_used = true;
            begin = at + kBreak.size();
            while (begin < text.size() && isBlank(text[begin])) ++begin;
        }
        m_parts.push_back({.text = std::string(text.substr(begin))});
    }

    std::vector<PromptPart> merged() const {
        std::vector<PromptPart> merged;
        for (const PromptPart& part : m_parts) {
            const bool joins = !merged.empty() && !part.isBreak && !merged.back().isBreak &&
                               merged.back().weight == part.weight;
            if (joins)
                merged.back().text += part.text;
            else
                merged.push_back(part);
        }
        if (merged.empty()) merged.emplace_back();
        return merged;
    }

    std::string_view m_text;
    size_t m_at = 0;
    std::vector<PromptPart> m_parts;
    std::vector<size_t> m_round, m_square; // first part within each open bracket
    bool m_used = false;
    bool m_tooDeep = false; // weights no longer count
};

// Texts with and without a pair of round brackets around them. Depth below zero after a stray
// closing bracket is the rule's own.
std::vector<std::string_view> splitRoundBrackets(std::string_view text) {
    std::vector<std::string_view> items;
    size_t begin = 0;
    int64_t depth = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '(') {
            if (depth == 0 && at > begin) {
                items.push_back(text.substr(begin, at - begin));
                begin = at;
            }
            ++depth;
        } else if (text[at] == ')' && --depth == 0) {
            items.push_back(text.substr(begin, at + 1 - begin));
            begin = at + 1;
        }
    }
    if (begin < text.size()) items.push_back(text.substr(begin));
    return items;
}

void addComfyParts(std::string_view text, double weight, size_t depth,
                   std::vector<PromptPart>& parts) {
    for (std::string_view item : splitRoundBrackets(text)) {
        const bool grouped = item.size() >= 2 && item.front() == '(' && item.back() == ')';
        if (!grouped || depth == kDeepest) { // deeper brackets are text
            parts.push_back({std::string(item), weight, false});
            continue;
        }
        item = item.substr(1, item.size() - 2);
        double inner = weight * kBracket;
        const size_t colon = item.rfind(':');
        if (colon != std::string_view::npos && colon > 0)
            if (const auto said = numberIn(item.substr(colon + 1))) {
                inner = *said;
                item = item.substr(0, colon);
            }
        addComfyParts(item, inner, depth + 1, parts);
    }
}

// An escaped bracket is a byte that no UTF-8 text has while brackets are counted.
constexpr char kOpenLetter = '\xFE', kCloseLetter = '\xFF';

std::string hideEscaped(std::string_view text) {
    std::string hidden;
    for (size_t i = 0; i < text.size(); ++i) {
        const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
        if (next == '(' || next == ')') {
            hidden += next == '(' ? kOpenLetter : kCloseLetter;
            ++i;
        } else {
            hidden += text[i];
        }
    }
    return hidden;
}

// What stands between < and >: "lora:name:0.8". nullopt where it is no LoRA.
std::optional<LoraMention> loraIn(std::string_view text) {
    std::vector<std::string_view> fields;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(text.find(':', begin), text.size());
        fields.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    if (fields.size() < 2 || fields[0] != "lora" || trimmed(fields[1]).empty()) return std::nullopt;
    LoraMention lora{.name = std::string(trimmed(fields[1]))};
    std::optional<double> denoiser, encoders;
    for (size_t i = 2; i < fields.size(); ++i) {
        const bool named = fields[i].find('=') != std::string_view::npos;
        if (fields[i].starts_with("lbw=")) lora.blocks = trimmed(fields[i].substr(4));
        if (parseLoraBlocks(trimmed(fields[i]))) lora.blocks = trimmed(fields[i]);
        const auto value = numberIn(fields[i].substr(named ? fields[i].find('=') + 1 : 0));
        if (!value) continue;
        if (named ? fields[i].starts_with("unet=") : encoders.has_value())
            denoiser = value;
        else if (!named || fields[i].starts_with("te="))
            encoders = value;
    }
    lora.textWeight = encoders.value_or(1);
    lora.weight = denoiser.value_or(lora.textWeight);
    return lora;
}

} // namespace

std::vector<PromptPart> parseA1111(std::string_view text) {
    return AttentionParser(text).parse();
}

std::vector<PromptPart> parseComfy(std::string_view text) {
    std::vector<PromptPart> parts;
    addComfyParts(hideEscaped(text), 1, 0, parts);
    for (PromptPart& part : parts) {
        std::ranges::replace(part.text, kOpenLetter, '(');
        std::ranges::replace(part.text, kCloseLetter, ')');
    }
    if (parts.empty()) parts.emplace_back();
    checkWeights(parts);
    return parts;
}

// Brackets pair as they close, so that a LoRA within a LoRA's name leaves one to be taken too.
std::string takeLoras(std::string_view text, std::vector<LoraMention>& loras) {
    std::string left;
    std::vector<size_t> open; // in left
    for (const char c : text) {
        left += c;
        if (c == '<') open.push_back(left.size() - 1);
        if (c != '>' || open.empty()) continue;
        const size_t begin = open.back();
        const std::string_view within =
            std::string_view(left).substr(begin + 1, left.size() - begin - 2);
        if (auto lora = loraIn(within)) {
            loras.push_back(*std::move(lora));
            left.resize(begin);
            open.pop_back();
        } else {
            open.clear(); // none of those before holds a LoRA either: '>' would be in its name
        }
    }
    return left;
}

std::vector<JointPrompt> splitJoint(std::string_view text) {
    constexpr std::string_view kAnd = "AND";
    std::vector<JointPrompt> prompts;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(findWord(text, kAnd, begin), text.size());
        std::string_view part = text.substr(begin, end - begin);
        JointPrompt prompt{.text = std::string(part)};
        const size_t colon = part.rfind(':');
        if (colon != std::string_view::npos) {
            const std::string_view said = trimmed(part.substr(colon + 1));
            const bool plain = said.find_first_not_of("+-.0123456789") == std::string_view::npos;
            if (const auto weight = plain ? numberIn(said) : std::nullopt) {
                part = part.substr(0, colon);
                checkWeight(*weight);
                prompt.weight = *weight;
            }
        }
        while (!part.empty() && isBlank(part.back())) part.remove_suffix(1);
        prompt.text = std::string(part);
        prompts.push_back(std::move(prompt));
        if (end == text.size()) break;
        begin = end + kAnd.size();
    }
    return prompts;
}

bool usesPromptSyntax(std::string_view text) {
    std::vector<LoraMention> loras;
    takeLoras(text, loras);
    if (!loras.empty() || findWord(text, "AND", 0) != std::string_view::npos) return true;
    if (AttentionParser(text).usesSyntax()) return true;
    constexpr int64_t kSomeCalls = 2;
    return promptSchedule(text, kSomeCalls).isScheduled;
}

} // namespace kinora::pipelines
