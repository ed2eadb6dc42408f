#include "app/cli/man_page.h"

#include "app/cli/command_examples.h"
#include "app/cli/command_table.h"

namespace kinora::app {
namespace {

// Text as roff shows it: backslashes, dashes that stay dashes, and no line that looks like a macro.
std::string roff(const std::string& text) {
    std::string result;
    for (char c : text) {
        if (c == '\\')
            result += "\\e";
        else if (c == '-')
            result += "\\-";
        else
            result += c;
    }
    if (!result.empty() && (result[0] == '.' || result[0] == '\'')) result = "\\&" + result;
    return result;
}

std::string optionEntry(const OptionSpec& option) {
    std::string text = ".TP\n\\fB\\-\\-" + roff(option.name) + "\\fR";
    if (!option.isFlag()) text += " \\fI" + roff(option.value) + "\\fR";
    std::string help = option.help;
    if (!option.choices.empty()) {
        help += "; one of ";
        for (const std::string& choice : option.choices)
            help += (&choice == &option.choices.front() ? "" : ", ") + choice;
    }
    help += ".";
    if (!option.fallback.empty()) help += " Default: " + option.fallback + ".";
    return text + "\n" + roff(help) + "\n";
}

const char* const kExitStatus = R"(.SH EXIT STATUS
.TP
0
Done; for \fBverify\fR: every file is the same or close.
.TP
1
It failed; for \fBverify\fR: a file is different.
.TP
2
Wrong usage or bad input, or it can never fit this machine. Nothing was run.
.TP
75
A passing trouble, try again later: the disk is full, memory is taken by others.
.TP
130
Interrupted. Finished files stay; no partial file is left under a final name.
)";

const char* const kEvents = R"(.SH JSON EVENTS
With \fB\-\-json\fR each line of standard output is one object with an \fBevent\fR field. New
fields and events may be added; those named here stay. The last line is the command's own closing
event, \fBerror\fR or \fBcancelled\fR. The schema is installed as events.schema.json.
.TP
.B plan
devices, precision, batch, predictedSeconds, predictedPeakBytes, fits, warnings: before anything runs.
.TP
.B loading
component, fraction: weights are being read.
.TP
.B model
name, hash, seconds: the model is loaded.
.TP
.B step
step, of, secondsPerStep, etaSeconds, picture, pictures, done, all: after each step.
.TP
.B preview
file: a rough picture of the present state, replaced by the next and removed at the end.
.TP
.B result
file, seed, width, height, seconds, peakBytes, sha256 (of the decoded pixels), model, modelHash.
.TP
.B bench
name, medianSeconds, gflop, gflopPerSecond, peakBytes, predictedSeconds, predictedPeakBytes.
.TP
.B warning
message: the run goes on.
.TP
.B error
code, message, context, hint.
.TP
.B cancelled
No fields.
.PP
The other commands print one event of their own name: \fBmodels\fR, \fBdevices\fR, \fBinfo\fR,
\fBverify\fR, \fBversion\fR.
)";

const char* const kEnvironment = R"(.SH ENVIRONMENT
.TP
.B KINORA_MODELS
Folders of models, separated by colons.
.TP
.B NO_COLOR
Where it is set to anything, no colours.
.TP
.B XDG_DATA_HOME
Where the data folder lies, without \-\-data.
)";

std::string examples() {
    std::string text = ".SH EXAMPLES\n.nf\n";
    for (const CommandSpec& command : commands())
        for (const std::string_view line : examplesOf(command.name))
            text += roff(std::string(line)) + "\n";
    return text + ".fi\n";
}

} // namespace

std::string manPage(const std::string& version) {
    std::string text = ".TH KINORA 1 \"\" \"Kinora " + roff(version) +
                       "\" \"User Commands\"\n"
                       ".SH NAME\nkinora \\- make pictures from prompts\n"
                       ".SH SYNOPSIS\n.B kinora\n[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR]\n"
                       ".SH DESCRIPTION\nMakes pictures from prompts on this machine. Without a "
                       "command the window opens.\nData goes to standard output, messages and "
                       "progress to standard error.\n.SH COMMANDS\n";
    for (const CommandSpec& command : commands()) {
        text += ".SS kinora " + roff(command.name);
        if (!command.arguments.empty()) text += " " + roff(command.arguments);
        text += "\n" + roff(command.summary) + ".\n";
        if (!command.description.empty()) text += ".PP\n" + roff(command.description) + "\n";
        for (const OptionSpec& option : command.options) text += optionEntry(option);
    }
    text += ".SH OPTIONS\nThese are taken by every command.\n";
    for (const OptionSpec& option : globalOptions()) text += optionEntry(option);
    return text + kExitStatus + kEvents + kEnvironment + examples();
}

} // namespace kinora::app
