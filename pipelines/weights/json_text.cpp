#include "pipelines/weights/json_text.h"

#include "kernels/base/error.h"
#include "pipelines/weights/regular_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <vector>

namespace kinora::pipelines {
namespace {

constexpr const char* kFetchAgain = "The file is damaged; fetch the model again.";

// Counted before parsing, so that no hostile depth is ever built.
void checkNesting(std::string_view text, const std::string& label, int limit) {
    int depth = 0;
    bool inString = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            if (c == '\\') ++i;
            if (c == '"') inString = false;
            continue;
        }
        if (c == '"') inString = true;
        if (c == '}' || c == ']') --depth;
        if ((c == '{' || c == '[') && ++depth > limit)
            throw Error(ErrorCode::BadFile,
                        label + ": JSON is nested deeper than " + std::to_string(limit) +
                            " levels.",
                        kFetchAgain);
    }
}

// nlohmann's parser keeps the last of two equal names; a file that says two things is refused.
class DuplicateCheck {
  public:
    explicit DuplicateCheck(const std::string& label) : m_label(label) {}

    bool operator()(int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
        using Event = nlohmann::json::parse_event_t;
        if (event == Event::object_start) m_names.emplace_back();
        if (event == Event::object_end) m_names.pop_back();
        if (event == Event::key && !m_names.back().insert(parsed.get<std::string>()).second)
            throw Error(ErrorCode::BadFile, m_label + ": names " + brief(parsed) + " twice.",
                        kFetchAgain);
        return true;
    }

  private:
    const std::string& m_label;
    std::vector<std::set<std::string>> m_names;
};

bool startsWith(std::string_view text, std::string_view start) {
    return text.substr(0, start.size()) == start;
}

// Python writes infinities into JSON, which has none: every scheduler_config.json of a DPM solver
// says "lambda_min_clipped": -Infinity. They are read as null. Places stay what they were.
std::string infinitiesAsNull(std::string_view text) {
    std::string result(text);
    bool inString = false;
    for (size_t i = 0; i < text.size(); ++i) {
        if (inString && text[i] == '\\') {
            ++i;
            continue;
        }
        if (text[i] == '"') inString = !inString;
        if (inString) continue;
        for (std::string_view word : {"-Infinity", "Infinity"})
            if (startsWith(text.substr(i), word)) {
                result.replace(i, word.size(), "null" + std::string(word.size() - 4, ' '));
                i += word.size() - 1;
                break;
            }
    }
    return result;
}

std::ptrdiff_t offsetOf(const nlohmann::json::parse_error& error, std::string_view text) {
    return static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
}

} // namespace

std::string brief(const nlohmann::json& value) {
    constexpr size_t kLongest = 80;
    // Replacing, not throwing: a message must come out whatever the bytes are.
    std::string text =
        value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace); // ASCII: cut anywhere
    if (text.size() > kLongest) text = text.substr(0, kLongest - 3) + "...";
    return text;
}

std::string briefName(const std::string& name) {
    return brief(nlohmann::json(name));
}

std::string knownImpostor(std::string_view firstBytes) {
    const size_t start = firstBytes.find_first_not_of(" \t\r\n");
    const std::string_view text = start == std::string_view::npos ? "" : firstBytes.substr(start);
    if (startsWith(text, "<"))
        return "is a web page (HTML), not the file that it is named for: the download was "
               "answered with an error or a login page.";
    if (startsWith(text, "version https://git-lfs"))
        return "is a Git LFS pointer, not the file itself.";
    if (startsWith(firstBytes, "PK\x03\x04"))
        return "is a zip archive, as PyTorch's pickled checkpoints are.";
    if (startsWith(firstBytes, "GGUF")) return "is a GGUF file.";
    return {};
}

nlohmann::json parseJsonObject(std::string_view text, const std::string& label,
                               const JsonLimits& limits) {
    if (text.size() > limits.sizeBytes)
        throw Error(ErrorCode::BadFile, label + ": the JSON is too long.", kFetchAgain);
    if (const std::string impostor = knownImpostor(text.substr(0, 256)); !impostor.empty())
        throw Error(ErrorCode::BadFile, label + ": " + impostor, "Fetch the model again.");
    checkNesting(text, label, limits.depth);
    const std::string plain = infinitiesAsNull(text);
    DuplicateCheck check(label);
    nlohmann::json parsed;
    try {
        parsed = nlohmann::json::parse(plain, std::ref(check));
    } catch (const nlohmann::json::parse_error& error) {
        // Not what(): it quotes the file's own bytes, however many and whether or not they are
        // text.
        const auto line = 1 + std::count(text.begin(), text.begin() + offsetOf(error, text), '\n');
        throw Error(ErrorCode::BadFile,
                    label + ": is not valid JSON from byte " + std::to_string(error.byte) +
                        " on, in line " + std::to_string(line) + ".",
                    kFetchAgain);
    } catch (const nlohmann::json::exception&) { // a number beyond what a double holds
        throw Error(ErrorCode::BadFile, label + ": holds a number that is out of range.",
                    kFetchAgain);
    }
    if (!parsed.is_object())
        throw Error(ErrorCode::BadFile, label + ": a JSON object was expected.", kFetchAgain);
    return parsed;
}

nlohmann::json readJsonFile(const std::filesystem::path& path, const std::string& label,
                            const JsonLimits& limits) {
    return parseJsonObject(readTextFile(path, label, limits.sizeBytes), label, limits);
}

} // namespace kinora::pipelines
