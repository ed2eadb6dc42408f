#pragma once
// Prompts that stand for many, as the web UIs' dynamic prompts write them:
//
//     {red|green|blue} apple         one of them
//     {3::red|green} apple           red three times as often
//     {2$$red|green|blue}            two of them, "red, blue"; {1-2$$ and $$a|b|c} with a separator
//     a __animal__ in the snow       a line of animal.txt (__pets/cat__: of pets/cat.txt)
//     \{ \| \} \_                    the characters themselves
//
// Choices nest, lines of wildcards are such prompts too, and their names may not lead in a circle.
// Spaces around an option do not count. The notation is that of sd-dynamic-prompts.

#include "kernels/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::core {

// The same numbers on every machine. Source: Steele, Lea and Flood 2014, SplitMix64.
class SplitMix {
  public:
    explicit SplitMix(uint64_t seed) : m_state(seed) {}
    uint64_t next();
    double unit(); // [0, 1)
  private:
    uint64_t m_state;
};

struct PromptNode;
using PromptSequence = std::vector<PromptNode>;

struct PromptOption {
    double weight = 1; // 0 or more
    PromptSequence parts;
};

struct PromptNode {
    enum class Kind { Text, Choice, Wildcard };
    Kind kind = Kind::Text;
    std::string text; // or the wildcard's name
    std::vector<PromptOption> options;
    int64_t least = 1, most = 1; // how many of the options
    std::string separator = ", ";
};

// Throws Error{InvalidArgument} that says where: a brace without its other, a count that is none.
PromptSequence parsePrompt(std::string_view text);

// Wildcard files of one folder, read once.
class Wildcards {
  public:
    // folder: empty where there is none.
    explicit Wildcards(std::filesystem::path folder) : m_folder(std::move(folder)) {}

    // Lines of name.txt. Throws Error{NotFound, BadFile, InvalidArgument (a circle)}.
    const std::vector<PromptOption>& lines(const std::string& name);
    // Reads all that the prompt names, directly or not.
    void require(const PromptSequence& prompt);

  private:
    void load(const std::string& name);

    std::filesystem::path m_folder;
    std::map<std::string, std::vector<PromptOption>> m_known;
    std::vector<std::string> m_loading; // the way here
};

class PromptTemplate {
  public:
    // Throws as parsePrompt and Wildcards::lines. wildcards must outlive it.
    PromptTemplate(std::string_view text, Wildcards& wildcards);

    // Whether there is something to choose.
    bool varies() const;
    // One of them. Throws Error{InvalidArgument} where it gets longer than a prompt may be.
    std::string draw(SplitMix& random) const;
    // All of them, in order, without weights. Throws Error{InvalidArgument} where there are more
    // than most.
    std::vector<std::string> all(size_t most) const;

  private:
    PromptSequence m_parts;
    Wildcards* m_wildcards;
};

} // namespace kinora::core
