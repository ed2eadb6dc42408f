#include "app/cli/completions.h"

#include "app/cli/command_table.h"

namespace kinora::app {
namespace {

template <typename Words> std::string spaced(const Words& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::string commandNames() {
    std::vector<std::string> names;
    for (const CommandSpec& command : commands()) names.push_back(command.name);
    return spaced(names);
}

std::vector<const OptionSpec*> optionsOf(const CommandSpec* command) {
    std::vector<const OptionSpec*> options;
    if (command)
        for (const OptionSpec& option : command->options) options.push_back(&option);
    for (const OptionSpec& option : globalOptions()) options.push_back(&option);
    return options;
}

std::string optionNames(const CommandSpec* command) {
    std::vector<std::string> names;
    for (const OptionSpec* option : optionsOf(command)) names.push_back("--" + option->name);
    return spaced(names);
}

// Every option that has a value, once: two commands mean the same by one name.
std::vector<const OptionSpec*> valueOptions() {
    std::vector<const OptionSpec*> found;
    const auto add = [&](const OptionSpec* option) {
        if (option->isFlag()) return;
        for (const OptionSpec* other : found)
            if (other->name == option->name) return;
        found.push_back(option);
    };
    for (const CommandSpec& command : commands())
        for (const OptionSpec* option : optionsOf(&command)) add(option);
    return found;
}

const char* const kBashModels = R"($(kinora models --quiet 2>/dev/null | awk 'NR>1 {print $1}'))";

std::string bashValueCase(const OptionSpec& option) {
    std::string action = "return";
    if (!option.choices.empty())
        action = "COMPREPLY=($(compgen -W '" + spaced(option.choices) + "' -- \"$current\"))";
    else if (option.completion == Completion::File)
        action = "COMPREPLY=($(compgen -f -- \"$current\"))";
    else if (option.completion == Completion::Folder)
        action = "COMPREPLY=($(compgen -d -- \"$current\"))";
    else if (option.completion == Completion::Model)
        action = std::string("COMPREPLY=($(compgen -W \"") + kBashModels + "\" -- \"$current\"))";
    return "        --" + option.name + ") " + action + "; return ;;\n";
}

std::string bash() {
    std::string text = "_kinora() {\n"
                       "    local current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
                       "    local previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                       "    local command=\"${COMP_WORDS[1]}\"\n"
                       "    case \"$previous\" in\n";
    for (const OptionSpec* option : valueOptions()) text += bashValueCase(*option);
    text += "    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '" +
            commandNames() + " " + optionNames(nullptr) +
            "' -- \"$current\"))\n        return\n    fi\n    case \"$command\" in\n";
    for (const CommandSpec& command : commands()) {
        text += "        " + command.name + ")\n            COMPREPLY=($(compgen -W '" +
                spaced(command.firstChoices) + " " + optionNames(&command) +
                "' -- \"$current\"))\n";
        if (command.completion == Completion::File)
            text += "            COMPREPLY+=($(compgen -f -- \"$current\"))\n";
        text += "            ;;\n";
    }
    return text + "    esac\n}\ncomplete -o filenames -o bashdefault -F _kinora kinora\n";
}

// Inside single quotes of zsh and fish, and without what _arguments reads as its own.
std::string escaped(const std::string& text, std::string_view special) {
    std::string result;
    for (char c : text) {
        if (c == '\'') {
            result += "'\\''";
            continue;
        }
        if (special.find(c) != std::string_view::npos) result += '\\';
        result += c;
    }
    return result;
}

std::string zshOption(const OptionSpec& option) {
    std::string text = "'";
    if (option.repeat == Repeat::Yes) text += "*";
    text += "--" + option.name + (option.isFlag() ? "" : "=") + "[" +
            escaped(option.help, "[]:\\") + "]";
    if (!option.isFlag()) {
        text += ":" + escaped(option.value, "[]:\\") + ":";
        if (!option.choices.empty())
            text += "(" + spaced(option.choices) + ")";
        else if (option.completion == Completion::File)
            text += "_files";
        else if (option.completion == Completion::Folder)
            text += "_files -/";
    }
    return text + "'";
}

std::string zsh() {
    std::string text = "#compdef kinora\n_kinora() {\n    local -a names\n    names=(\n";
    for (const CommandSpec& command : commands())
        text += "        '" + command.name + ":" + escaped(command.summary, ":") + "'\n";
    text += "    )\n    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
            "        _describe command names\n        return\n    fi\n    case $words[2] in\n";
    for (const CommandSpec& command : commands()) {
        text +=
            "        " + command.name + ")\n            _arguments '1: :(" + command.name + ")'";
        if (!command.firstChoices.empty())
            text += " '2: :(" + spaced(command.firstChoices) + ")'";
        else if (command.completion == Completion::File)
            text += " '*:file:_files'";
        for (const OptionSpec* option : optionsOf(&command))
            text += " \\\n                " + zshOption(*option);
        text += "\n            ;;\n";
    }
    text += "        *)\n            _arguments";
    for (const OptionSpec& option : globalOptions())
        text += " \\\n                " + zshOption(option);
    return text + "\n            ;;\n    esac\n}\n_kinora \"$@\"\n";
}

std::string fishOption(const OptionSpec& option, const std::string& condition) {
    std::string text = "complete -c kinora" + condition + " -l " + option.name;
    if (!option.isFlag()) text += " -r";
    if (!option.choices.empty())
        text += " -f -a '" + spaced(option.choices) + "'";
    else if (option.completion == Completion::None && !option.isFlag())
        text += " -f";
    return text + " -d '" + escaped(option.help, "\\") + "'\n";
}

std::string fish() {
    std::string text = "complete -c kinora -n __fish_use_subcommand -f\n";
    for (const CommandSpec& command : commands())
        text += "complete -c kinora -n __fish_use_subcommand -f -a " + command.name + " -d '" +
                escaped(command.summary, "\\") + "'\n";
    for (const OptionSpec& option : globalOptions()) text += fishOption(option, "");
    for (const CommandSpec& command : commands()) {
        const std::string condition = " -n '__fish_seen_subcommand_from " + command.name + "'";
        if (!command.firstChoices.empty())
            text += "complete -c kinora" + condition + " -f -a '" + spaced(command.firstChoices) +
                    "'\n";
        for (const OptionSpec& option : command.options) text += fishOption(option, condition);
    }
    return text;
}

} // namespace

std::string completions(std::string_view shell) {
    if (shell == "bash") return bash();
    if (shell == "zsh") return zsh();
    if (shell == "fish") return fish();
    return {};
}

} // namespace kinora::app
