#include "app/cli/arguments.h"

#include "core/media/sampler_names.h"
#include "kernels/base/error.h"

#include <algorithm>
#include <charconv>

namespace kinora::app {
namespace {

std::string helpHint(const CommandSpec* command) {
    return command ? "kinora " + command->name + " --help lists what there is."
                   : "kinora --help lists what there is.";
}

// What a person typed, fit for a message: cut where it is long.
std::string quoted(std::string_view word) {
    constexpr size_t kLongest = 60;
    if (word.size() <= kLongest) return "'" + std::string(word) + "'";
    return "'" + std::string(word.substr(0, kLongest)) + "...'";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

std::string didYouMean(const std::string& near, const std::string& prefix) {
    return near.empty() ? std::string() : " Did you mean " + prefix + near + "?";
}

// What the web UIs, their settings and diffusers call our options: too far from them in letters to
// be found as typing errors.
std::string optionCalledElsewhere(std::string_view name) {
    static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
        {"cfg-scale", "cfg"},
        {"guidance-scale", "cfg"},
        {"negative-prompt", "negative"},
        {"sampling-steps", "steps"},
        {"num-inference-steps", "steps"},
        {"sampling-method", "sampler"},
        {"sampler-name", "sampler"},
        {"scheduler", "schedule"},
        {"checkpoint", "model"},
        {"ckpt", "model"},
        {"batch-size", "batch"},
        {"batch-count", "count"},
        {"n-iter", "count"},
        {"num-images", "count"},
        {"denoise", "strength"},
        {"denoising-strength", "strength"},
        {"init-image", "init"},
        {"input-image", "init"},
        {"mask-image", "mask"},
        {"controlnet", "control"},
        {"hires-fix", "hires"},
        {"upscale-by", "hires"},
        {"textual-inversion", "embedding"},
        {"ckpt-dir", "models"},
    };
    for (const auto& [theirs, own] : kNames)
        if (theirs == name) return std::string(own);
    return {};
}

[[noreturn]] void unknownOption(const CommandSpec* command, std::string_view name) {
    std::vector<std::string> names;
    for (const OptionSpec& option : globalOptions()) names.push_back(option.name);
    if (command)
        for (const OptionSpec& option : command->options) names.push_back(option.name);
    const std::string elsewhere = optionCalledElsewhere(name);
    const bool isHere = std::ranges::find(names, elsewhere) != names.end();
    throw Error(ErrorCode::InvalidArgument,
                "Unknown option " + quoted("--" + std::string(name)) + "." +
                    didYouMean(isHere ? elsewhere : nearest(name, names), "--"),
                helpHint(command));
}

[[noreturn]] void unknownCommand(std::string_view word) {
    std::vector<std::string> names;
    for (const CommandSpec& command : commands()) names.push_back(command.name);
    throw Error(ErrorCode::InvalidArgument,
                "There is no command " + quoted(word) + "." + didYouMean(nearest(word, names), ""),
                helpHint(nullptr));
}

// "-1": no option has a name like that, so it is told of as the value that it is.
bool isNumber(const std::string& word) {
    return word.find_first_not_of("0123456789.", 1) == std::string::npos;
}

// What other programs call the same; image_request_arguments gives it our name.
bool isNameElsewhere(const OptionSpec& option, const std::string& value) {
    if (option.name == "sampler") return core::samplerAsSaid(value).has_value();
    return option.name == "schedule" && core::scheduleAsSaid(value).has_value();
}

void checkChoice(const OptionSpec& option, const std::string& value) {
    if (option.choices.empty() || isNameElsewhere(option, value)) return;
    if (std::find(option.choices.begin(), option.choices.end(), value) != option.choices.end())
        return;
    throw Error(ErrorCode::InvalidArgument,
                "--" + option.name + " cannot be " + quoted(value) + "." +
                    didYouMean(nearest(value, option.choices), ""),
                "It can be " + joined(option.choices) +
                    (option.name == "sampler" ? ", also as other programs call these." : "."));
}

void checkNotEmpty(const OptionSpec& option, const std::string& value) {
    if (!value.empty() || option.mayBeEmpty()) return;
    throw Error(ErrorCode::InvalidArgument, "--" + option.name + " is empty.",
                "Write --" + option.name + " " + option.value + ", or leave it out.");
}

class Parser {
  public:
    explicit Parser(const std::vector<std::string>& words) : m_words(words) {}

    Arguments parse() {
        m_result.command = firstCommand();
        bool optionsOver = false;
        bool commandSeen = false;
        for (m_at = 0; m_at < m_words.size(); ++m_at) {
            const std::string& word = m_words[m_at];
            if (!optionsOver && word == "--") {
                optionsOver = true;
            } else if (!optionsOver && word.size() > 1 && word[0] == '-' && !isNumber(word)) {
                option(word);
            } else if (!commandSeen) {
                commandSeen = true;
            } else {
                m_result.positional.push_back(word);
            }
        }
        if (!m_result.has("help") && !m_result.has("version")) checkPositional();
        return std::move(m_result);
    }

  private:
    // Found first, so that options before the command's name may be the command's own.
    const CommandSpec* firstCommand() const {
        for (size_t i = 0; i < m_words.size(); ++i) {
            const std::string& word = m_words[i];
            if (word == "--") return i + 1 < m_words.size() ? known(m_words[i + 1]) : nullptr;
            if (word.size() > 1 && word[0] == '-' && !isNumber(word)) {
                const OptionSpec* spec = anyOption(nameOf(word));
                const bool valueApart = word.find('=') == std::string::npos;
                if (spec && !spec->isFlag() && valueApart) ++i;
                continue;
            }
            return known(word);
        }
        return nullptr;
    }

    static const CommandSpec* known(const std::string& word) {
        const CommandSpec* command = findCommand(word);
        if (!command) unknownCommand(word);
        return command;
    }

    static const OptionSpec* anyOption(const std::string& name) {
        if (const OptionSpec* spec = findOption(nullptr, name)) return spec;
        for (const CommandSpec& command : commands())
            if (const OptionSpec* spec = findOption(&command, name)) return spec;
        return nullptr;
    }

    static std::string nameOf(const std::string& word) {
        if (word == "-h") return "help";
        if (word == "-V") return "version";
        if (!word.starts_with("--")) return word;
        return word.substr(2, word.find('=') == std::string::npos ? std::string::npos
                                                                  : word.find('=') - 2);
    }

    void option(const std::string& word) {
        const std::string name = nameOf(word);
        const OptionSpec* spec = findOption(m_result.command, name);
        if (!spec) unknownOption(m_result.command, word.starts_with("--") ? name : word.substr(1));
        const size_t equals = word.find('=');
        const bool hasValue = word.starts_with("--") && equals != std::string::npos;
        if (spec->isFlag() && hasValue)
            throw Error(ErrorCode::InvalidArgument, "--" + name + " takes no value.",
                        helpHint(m_result.command));
        if (spec->repeat == Repeat::No && !spec->isFlag() && m_result.has(name))
            throw Error(ErrorCode::InvalidArgument, "--" + name + " is given twice.",
                        "Leave one of them out.");
        std::string value;
        if (!spec->isFlag()) value = hasValue ? word.substr(equals + 1) : nextWord(*spec);
        if (!spec->isFlag()) {
            checkNotEmpty(*spec, value);
            checkChoice(*spec, value);
        }
        m_result.options.emplace_back(name, std::move(value));
    }

    std::string nextWord(const OptionSpec& spec) {
        const std::string value = "a value: --" + spec.name + " " + spec.value;
        if (m_at + 1 >= m_words.size())
            throw Error(ErrorCode::InvalidArgument, "--" + spec.name + " needs " + value,
                        helpHint(m_result.command));
        const std::string& word = m_words[m_at + 1];
        // "--prompt --steps 4" has lost its prompt; a prompt that looks like an option can be given
        // with "=".
        if (word.starts_with("--") && findOption(m_result.command, nameOf(word)))
            throw Error(ErrorCode::InvalidArgument, "--" + spec.name + " needs " + value,
                        "To give " + quoted(word) + " as the value write --" + spec.name + "=" +
                            word);
        ++m_at;
        return word;
    }

    void checkPositional() const {
        const CommandSpec* command = m_result.command;
        if (!command) return;
        const std::vector<std::string>& words = m_result.positional;
        const std::string usage = "kinora " + command->name + " " + command->arguments;
        if (static_cast<int>(words.size()) < command->minimumArguments)
            throw Error(ErrorCode::InvalidArgument,
                        "kinora " + command->name + " needs an argument: " + usage,
                        helpHint(command));
        if (command->maximumArguments >= 0 &&
            static_cast<int>(words.size()) > command->maximumArguments) {
            const std::string& extra = words[static_cast<size_t>(command->maximumArguments)];
            throw Error(ErrorCode::InvalidArgument, "Unexpected argument " + quoted(extra) + ".",
                        command->name == "image" ? "A prompt is given with --prompt, in quotes."
                                                 : helpHint(command));
        }
        if (std::find(words.begin(), words.end(), "") != words.end())
            throw Error(ErrorCode::InvalidArgument,
                        "An argument of kinora " + command->name + " is empty: " + usage,
                        helpHint(command));
        const std::vector<std::string>& choices = command->firstChoices;
        if (words.empty() || choices.empty()) return;
        if (std::find(choices.begin(), choices.end(), words[0]) == choices.end())
            throw Error(ErrorCode::InvalidArgument,
                        "kinora " + command->name + " cannot do " + quoted(words[0]) + "." +
                            didYouMean(nearest(words[0], choices), ""),
                        "It can do " + joined(choices) + ".");
    }

    const std::vector<std::string>& m_words;
    size_t m_at = 0;
    Arguments m_result;
};

} // namespace

bool Arguments::has(std::string_view name) const {
    return value(name).has_value();
}

std::optional<std::string> Arguments::value(std::string_view name) const {
    for (auto option = options.rbegin(); option != options.rend(); ++option)
        if (option->first == name) return option->second;
    return std::nullopt;
}

std::vector<std::string> Arguments::values(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& [key, text] : options)
        if (key == name) found.push_back(text);
    return found;
}

int64_t Arguments::integer(std::string_view name, int64_t fallback, int64_t minimum,
                           int64_t maximum) const {
    const std::optional<std::string> text = value(name);
    if (!text) return fallback;
    int64_t number = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error == std::errc() && stop == end && number >= minimum && number <= maximum)
        return number;
    throw Error(ErrorCode::InvalidArgument,
                "--" + std::string(name) + " cannot be " + quoted(*text) + ".",
                "It is a whole number from " + std::to_string(minimum) + " to " +
                    std::to_string(maximum) + ".");
}

Arguments parseArguments(const std::vector<std::string>& words) {
    return Parser(words).parse();
}

} // namespace kinora::app
