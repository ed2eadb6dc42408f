// Wildcard files (prompt_template.h).

#include "core/media/text_encoding.h"
#include "core/project/decoded_text.h"
#include "core/project/prompt_template.h"
#include "core/project/whole_file.h"

#include <algorithm>
#include <charconv>

namespace kinora::core {
namespace {

constexpr size_t kLargestFile = size_t{16} << 20;
constexpr size_t kDeepestWay = 64;

// "3::red": a line may have a weight, as an option has.
PromptOption optionOf(std::string_view line) {
    PromptOption option;
    const size_t end = line.find("::");
    double weight = 0;
    const auto [stop, error] =
        std::from_chars(line.data(), line.data() + std::min(end, line.size()), weight);
    if (end != std::string_view::npos && error == std::errc() && stop == line.data() + end &&
        weight >= 0 && weight < 1e9) {
        option.weight = weight;
        line.remove_prefix(end + 2);
    }
    option.parts = parsePrompt(line);
    return option;
}

std::vector<PromptOption> optionsOf(std::string_view text) {
    std::vector<PromptOption> options;
    while (!text.empty()) {
        const size_t end = std::min(text.find_first_of("\r\n"), text.size());
        const std::string line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
        if (!line.empty() && line[0] != '#') options.push_back(optionOf(line));
    }
    return options;
}

} // namespace

const std::vector<PromptOption>& Wildcards::lines(const std::string& name) {
    if (!m_known.contains(name)) load(name);
    return m_known.at(name);
}

void Wildcards::require(const PromptSequence& prompt) {
    for (const PromptNode& node : prompt) {
        if (node.kind == PromptNode::Kind::Wildcard) lines(node.text);
        for (const PromptOption& option : node.options) require(option.parts);
    }
}

void Wildcards::load(const std::string& name) {
    if (std::ranges::find(m_loading, name) != m_loading.end() || m_loading.size() > kDeepestWay) {
        std::string way;
        for (const std::string& step : m_loading) way += step + ", ";
        throw Error(ErrorCode::InvalidArgument,
                    "Wildcards lead in a circle: " + way.substr(0, 400) + name + ".",
                    "Take one of these names out of the files.");
    }
    if (m_folder.empty())
        throw Error(ErrorCode::NotFound,
                    "The prompt names the wildcard '" + name + "', and there is no folder of them.",
                    "Name it with --wildcards, or write \\__ for underscores.");
    const std::filesystem::path path = m_folder / (name + ".txt");
    const Result<std::string> bytes = readWholeFile(path, kLargestFile);
    if (!bytes)
        throw Error(bytes.error().code(), "The wildcard '" + name + "': " + bytes.error().message(),
                    "Make that file, a choice on each line, or write \\__ for underscores.");
    std::vector<PromptOption> options;
    try {
        options = optionsOf(decodedText(*bytes));
    } catch (const Error& error) {
        throw Error(error.code(), shownPath(path) + ": " + error.message(), error.advice());
    }
    if (options.empty())
        throw Error(ErrorCode::BadFile, shownPath(path) + ": there is no line in it.",
                    "Write a choice on each line.");
    m_loading.push_back(name);
    for (const PromptOption& option : options) require(option.parts);
    m_loading.pop_back();
    m_known[name] = std::move(options);
}

} // namespace kinora::core
