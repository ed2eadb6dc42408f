#pragma once
// One embedding (textual inversion) of a request, as it is written: "easynegative",
// "/models/a.pt", "/models/a.pt:word". The word is what prompts call it by; without one it is the
// file's name without its ending.

#include <optional>
#include <string>
#include <string_view>

namespace kinora::pipelines {

struct EmbeddingChoice {
    std::string name; // or file
    std::string word;
};

// nullopt where there is no name, or no word after a colon.
std::optional<EmbeddingChoice> parseEmbeddingChoice(std::string_view text);

// The same with another name: where a file was found, or what a picture's metadata calls it. The
// word stays what it was.
std::string withEmbeddingName(std::string_view text, std::string_view name);

} // namespace kinora::pipelines
