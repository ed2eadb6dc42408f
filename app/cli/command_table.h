#pragma once
// The one table of commands and options. The parser, --help, the man page and the shell completions
// all read it; what a picture can be asked for comes from pipelines/request/parameters.h.
//
//     const CommandSpec* image = findCommand("image");
//     const OptionSpec* steps = findOption(*image, "steps");

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::app {

enum class Completion { None, File, Folder, Model };
enum class Repeat { No, Yes };

struct OptionSpec {
    std::string name;     // "steps", without dashes
    std::string value;    // what the help calls its value: "N"; empty: a flag
    std::string help;     // one sentence
    std::string fallback; // what holds where it is not given; empty: said in help, or nothing
    std::vector<std::string> choices = {};
    Completion completion = Completion::None;
    Repeat repeat = Repeat::No;

    bool isFlag() const { return value.empty(); }
    // An empty text is a text; an empty name, number or path is a variable that was not set.
    bool mayBeEmpty() const { return value == "TEXT"; }
};

struct CommandSpec {
    std::string name;
    std::string summary;                        // one line
    std::string arguments;                      // "[list | show NAME]", "FILE..."
    std::string description;                    // paragraphs for its help and the man page
    int minimumArguments = 0;                   // that are not options
    int maximumArguments = 0;                   // -1: any number
    std::vector<std::string> firstChoices = {}; // what the first argument can be
    Completion completion = Completion::None;   // of its arguments
    std::vector<OptionSpec> options = {};
};

// Options that every command takes.
std::span<const OptionSpec> globalOptions();
std::span<const CommandSpec> commands();

// nullptr where there is none of that name. findOption looks in the command, then in the global
// options.
const CommandSpec* findCommand(std::string_view name);
const OptionSpec* findOption(const CommandSpec* command, std::string_view name);

// The name that the person most likely meant; empty where none is near.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

} // namespace kinora::app
