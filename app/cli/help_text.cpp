#include "app/cli/help_text.h"

#include "app/cli/command_examples.h"

#include <sstream>

namespace kinora::app {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kIndent = 28; // where the explanations begin

std::string optionLine(const OptionSpec& option) {
    std::string left = "  --" + option.name;
    if (!option.isFlag()) left += " " + option.value;
    if (left.size() + 2 > kIndent)
        left += "\n" + std::string(kIndent, ' ');
    else
        left.resize(kIndent, ' ');
    std::string note;
    for (const std::string& choice : option.choices) note += (note.empty() ? "" : ", ") + choice;
    if (!option.fallback.empty())
        note += (note.empty() ? "" : "; ") + ("default: " + option.fallback);
    const std::string help = option.help + (note.empty() ? "" : " (" + note + ")");
    return left + wrapped(help, kWidth - kIndent, kIndent) + "\n";
}

std::string programHelp() {
    std::string text = "Usage: kinora [COMMAND] [OPTIONS]\n\n"
                       "Makes pictures from prompts, on this machine. Without a command the window "
                       "opens.\n\nCommands:\n";
    for (const CommandSpec& command : commands()) {
        std::string left = "  " + command.name;
        left.resize(kIndent, ' ');
        text += left + command.summary + "\n";
    }
    text += "\nOptions of every command:\n";
    for (const OptionSpec& option : globalOptions()) text += optionLine(option);
    text += "\nFor example: kinora image --prompt \"3d emoji of a red apple\" --output apple.png\n"
            "kinora COMMAND --help says what a command takes.\n";
    return text;
}

std::string commandHelp(const CommandSpec& command) {
    const std::string start = "Usage: kinora " + command.name + " ";
    std::string text =
        start + wrapped(command.arguments + " [OPTIONS]", kWidth - start.size(), start.size());
    text += "\n\n" + command.summary + ".\n";
    if (!command.description.empty()) text += "\n" + wrapped(command.description, kWidth, 0) + "\n";
    if (!command.options.empty()) {
        text += "\nOptions:\n";
        for (const OptionSpec& option : command.options) text += optionLine(option);
    }
    text += "\nOptions of every command:\n";
    for (const OptionSpec& option : globalOptions()) text += optionLine(option);
    const auto examples = examplesOf(command.name);
    if (!examples.empty()) text += "\nFor example:\n";
    for (const std::string_view line : examples) text += "  " + std::string(line) + "\n";
    return text;
}

} // namespace

std::string wrapped(const std::string& text, size_t width, size_t indent) {
    std::istringstream words(text);
    std::string result, word;
    size_t column = 0;
    while (words >> word) {
        if (column > 0 && column + 1 + word.size() > width) {
            result += "\n" + std::string(indent, ' ');
            column = 0;
        }
        if (column > 0) {
            result += ' ';
            ++column;
        }
        result += word;
        column += word.size();
    }
    return result;
}

std::string helpText(const CommandSpec* command) {
    return command ? commandHelp(*command) : programHelp();
}

} // namespace kinora::app
