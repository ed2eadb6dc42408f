#include "pipelines/request/embedding_choice.h"

#include <algorithm>

namespace kinora::pipelines {
namespace {

constexpr std::string_view kEndings[] = {".safetensors", ".pt", ".bin", ".ckpt", ".pth"};

bool equalsWithoutCase(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view wordOfFile(std::string_view name) {
    name = name.substr(name.rfind('/') + 1); // npos + 1 is 0
    for (const std::string_view ending : kEndings)
        if (name.size() > ending.size() &&
            equalsWithoutCase(name.substr(name.size() - ending.size()), ending))
            return name.substr(0, name.size() - ending.size());
    return name;
}

} // namespace

std::optional<EmbeddingChoice> parseEmbeddingChoice(std::string_view text) {
    EmbeddingChoice choice;
    const size_t colon = text.rfind(':');
    const bool hasWord =
        colon != std::string_view::npos && text.find('/', colon) == std::string_view::npos;
    choice.name = text.substr(0, hasWord ? colon : text.size());
    choice.word = hasWord ? text.substr(colon + 1) : wordOfFile(choice.name);
    if (choice.name.empty() || choice.word.empty()) return std::nullopt;
    return choice;
}

std::string withEmbeddingName(std::string_view text, std::string_view name) {
    const auto choice = parseEmbeddingChoice(text);
    const std::string word = choice ? choice->word : std::string(text);
    std::string named(name);
    const auto alone = parseEmbeddingChoice(named);
    return alone && alone->name == named && alone->word == word ? named : named + ":" + word;
}

} // namespace kinora::pipelines
