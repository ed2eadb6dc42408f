#include "app/cli/command_table.h"

#include "app/cli/queue_verbs.h"
#include "pipelines/request/parameters.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace kinora::app {
namespace {

using pipelines::ImageRequest;
using pipelines::Parameter;

// What the help calls a parameter's value.
std::string valueName(const Parameter& parameter) {
    for (const std::string_view model : {"model", "vae", "refiner"})
        if (parameter.option == model) return "NAME|DIR|FILE";
    for (const std::string_view file :
         {"upscaler", "hires-upscaler", "image-encoder", "control", "adapter"})
        if (parameter.option == file) return "NAME|FILE";
    if (parameter.option == "outpaint") return "LEFT,TOP,RIGHT,BOTTOM";
    if (parameter.option == "freeu") return "B1:B2:S1:S2";
    if (parameter.option == "prompt" || parameter.option == "negative") return "TEXT";
    if (parameter.option == "ip-adapter") return "NAME:PICTURE[:WEIGHT]";
    if (parameter.option == "lora") return "NAME|FILE[:WEIGHT[:TEXT_WEIGHT]]";
    if (parameter.option == "embedding") return "NAME|FILE[:WORD]";
    for (const std::string_view file :
         {"latents", "save-latents", "init", "mask", "control-image", "adapter-image"})
        if (parameter.option == file) return "FILE";
    struct Visitor {
        std::string operator()(std::string ImageRequest::*) const { return "NAME"; }
        std::string operator()(std::optional<std::string> ImageRequest::*) const { return "NAME"; }
        std::string operator()(int64_t ImageRequest::*) const { return "N"; }
        std::string operator()(std::optional<int64_t> ImageRequest::*) const { return "N"; }
        std::string operator()(double ImageRequest::*) const { return "X"; }
        std::string operator()(std::optional<double> ImageRequest::*) const { return "X"; }
        std::string operator()(std::vector<std::string> ImageRequest::*) const { return "NAME"; }
    };
    return std::visit(Visitor{}, parameter.field);
}

std::string fallbackText(const Parameter& parameter) {
    struct Visitor {
        std::string operator()(std::monostate) const { return {}; }
        std::string operator()(int64_t value) const { return std::to_string(value); }
        std::string operator()(double value) const {
            std::string text = std::to_string(value);
            text.erase(text.find_last_not_of('0') + 1);
            return text.back() == '.' ? text.substr(0, text.size() - 1) : text;
        }
        std::string operator()(const std::string& value) const { return value; }
    };
    const std::string text = std::visit(Visitor{}, parameter.fallback);
    // Three of the alternatives are optional: what is unset there is the model's to say.
    const bool modelDecides = parameter.field.index() >= 3 && !pipelines::isList(parameter);
    return modelDecides && !text.empty() ? "the model's, else " + text : text;
}

OptionSpec optionOf(const Parameter& parameter) {
    OptionSpec option{std::string(parameter.option), valueName(parameter),
                      std::string(parameter.help), fallbackText(parameter)};
    for (std::string_view choice : parameter.choices) option.choices.emplace_back(choice);
    if (option.value.find("FILE") != std::string::npos) option.completion = Completion::File;
    if (pipelines::isList(parameter)) option.repeat = Repeat::Yes;
    if (option.name == "model") option.completion = Completion::Model;
    return option;
}

// Parts of --control and --adapter that a request has in one text with the net's name.
void addControlParts(std::vector<OptionSpec>& options, const std::string& net) {
    options.push_back({net + "-weight",
                       "X",
                       "How strongly the net before it counts",
                       "1",
                       {},
                       Completion::None,
                       Repeat::Yes});
    options.push_back({net + "-range",
                       "BEGIN:END",
                       "Shares of the run between which the net before it counts",
                       "0:1",
                       {},
                       Completion::None,
                       Repeat::Yes});
}

std::vector<OptionSpec> imageOptions() {
    std::vector<OptionSpec> options;
    for (const Parameter& parameter : pipelines::imageParameters()) {
        options.push_back(optionOf(parameter));
        if (parameter.option == "control-prepare") addControlParts(options, "control");
        if (parameter.option == "adapter-prepare") addControlParts(options, "adapter");
    }
    options.push_back({"output",
                       "FILE|DIR|PATTERN",
                       "Where the picture goes: a file, a folder, or a pattern with {seed}, "
                       "{index}, {prompt}, {model} and {date}",
                       "{index}-{prompt}-{seed} in Pictures/Kinora",
                       {},
                       Completion::File});
    options.push_back({"format",
                       "NAME",
                       "How the picture is written",
                       "the output's extension, else png",
                       {"png", "jpg", "webp", "tiff", "exr", "avif"}});
    options.push_back({"overwrite", "", "Replace an output that is there already", ""});
    options.push_back({"no-metadata", "", "Leave out of the file how it was made", ""});
    options.push_back(
        {"dry-run", "",
         "Print the plan (device, precision, predicted time and peak memory) and stop", ""});
    return options;
}

// What a picture in the queue can be asked for, and what the queue itself takes.
std::vector<OptionSpec> queueOptions() {
    std::vector<OptionSpec> options = imageOptions();
    std::erase_if(options, [](const OptionSpec& option) {
        return option.name == "save-latents" || option.name == "preview-every" ||
               option.name == "preview" || option.name == "dry-run";
    });
    const std::vector<OptionSpec> own{
        {"project", "NAME", "add, edit: projects take turns; list: only those of this one", ""},
        {"priority", "N", "add, edit: higher comes first", "0"},
        {"after",
         "JOB",
         "add: begins when that job is finished",
         "",
         {},
         Completion::None,
         Repeat::Yes},
        {"paused", "", "add: waits until it is resumed", ""},
        {"after-this", "", "pause: what is being computed is finished first", ""},
        {"before", "JOB", "move: to the place before that job", "to the end"},
        {"state",
         "NAME",
         "list, clear: only jobs in this state",
         "list: those that have not ended; clear: finished and cancelled",
         {"all", "waiting", "running", "paused", "finished", "failed", "set-aside", "cancelled"}},
        {"text", "WORDS", "list: only jobs whose prompt has these words", ""},
        {"limit", "N", "list: at most so many", "50"},
        {"skip", "N", "list: begin after so many", "0"},
        {"wait", "", "run: stay when the queue is empty", ""},
        {"pause-on-battery", "", "run: compute nothing while the machine runs on its battery", ""},
        {"pause-when-hot", "", "run: compute nothing while the machine is near its heat limit", ""},
    };
    options.insert(options.end(), own.begin(), own.end());
    return options;
}

CommandSpec upscaleCommand() {
    CommandSpec command{"upscale",
                        "Make a picture larger",
                        "FILE",
                        "Enlarges a picture with an upscaler of the ESRGAN kind (.pth or "
                        ".safetensors): by its own factor, in tiles, in little memory. How the "
                        "picture was made stays in its metadata, with the upscaler's name and "
                        "hash, so that kinora verify can make both again.",
                        1,
                        1,
                        {},
                        Completion::File};
    command.options = {
        {"model",
         "NAME|FILE",
         "The upscaler; kinora models lists those that are here",
         "",
         {},
         Completion::File},
        {"output",
         "FILE|DIR|PATTERN",
         "Where the result goes",
         "NAME-4x.png in Pictures/Kinora",
         {},
         Completion::File},
        {"format",
         "NAME",
         "How the picture is written",
         "the output's extension, else png",
         {"png", "jpg", "webp", "tiff", "exr", "avif"}},
        {"tile", "N", "Side of the tiles in pixels of the small picture",
         "256, less where memory "
         "is short"},
        {"precision", "NAME", "Precision of the arithmetic", "auto", {"auto", "f32", "bf16"}},
        {"overwrite", "", "Replace an output that is there already", ""},
        {"no-metadata", "", "Leave out of the file how it was made", ""},
        {"dry-run", "", "Say what size, tiles and memory it will be, and stop", ""},
    };
    return command;
}

std::vector<OptionSpec> benchOptions() {
    return {
        {"arch", "NAME", "Whose sizes: sd15, sdxl, starter, or a model that is here",
         "sd15; image: starter"},
        {"width", "N", "Width of the picture in pixels", "512; sdxl: 1024; starter: 128"},
        {"height", "N", "Height of the picture in pixels", "512; sdxl: 1024; starter: 128"},
        {"sizes", "N,N,...", "Squares of these sizes, one after another, as a table", ""},
        {"tiled", "", "The VAE in tiles, as it decodes where memory is short", ""},
        {"batch", "N", "How many at once", "1"},
        {"steps", "N", "Denoising steps of image", "20"},
        {"dtype", "NAME", "Precision of the arithmetic", "auto", {"auto", "f32", "bf16"}},
        {"device", "NAME", "Where to run", "cpu", {"auto", "cpu"}},
        {"repeat", "N", "How many timed runs the median is taken of", "5"},
    };
}

CommandSpec queueCommand() {
    CommandSpec command{
        "queue",
        "Queue pictures, and work through the queue",
        "list | show JOB | add | edit JOB | move JOB | pause [JOB...] | resume [JOB...] | cancel "
        "JOB... | retry [JOB...] | clear | run",
        "Jobs wait in the data folder until kinora queue run, or the window, works through them: "
        "one process at a time, others may add and pause meanwhile. Whatever ends that process, "
        "the next one goes on, and each picture is written once. add takes the options of kinora "
        "image. pause and resume without a job are for the queue as a whole; retry without one "
        "for all that failed. Where the name of a picture was taken meanwhile, it gets the next "
        "free one (fox-2.png).",
        1,
        -1};
    for (const QueueVerb& verb : queueVerbs()) command.firstChoices.emplace_back(verb.name);
    command.options = queueOptions();
    return command;
}

std::vector<OptionSpec> workerOptions() {
    return {
        {"socket", "FILE", "Where to listen for the studio", ""},
        {"memory", "N", "Descriptor of the memory that is shared with it", ""},
        {"lifeline", "N", "Descriptor of a socket that ends with it", ""},
        {"studio", "N", "Its process id", ""},
        {"share", "N", "How many workers share the machine's memory", "1"},
    };
}

std::vector<OptionSpec> renderOptions() {
    return {
        {"task", "N|N-M", "Only this task, or these; they are numbered from 0", "all"},
        {"only", "NAME", "Only the tasks of this batch", "all"},
        {"out",
         "DIR",
         "Where pictures go; machines that share this folder share the work",
         "NAME.results beside the project",
         {},
         Completion::Folder},
        {"set",
         "NAME=VALUE",
         "A parameter for this run, whatever the project says",
         "",
         {},
         Completion::None,
         Repeat::Yes},
        {"resume", "", "Go on with what was interrupted; so it does without this, too", ""},
        {"overwrite", "", "Replace files of the tasks' names that are other pictures", ""},
        {"dry-run", "", "Say what is to be done, and what time, disk and energy it takes; stop",
         ""},
    };
}

std::vector<OptionSpec> projectOptions() {
    return {
        {"output",
         "FILE",
         "batch: the project that is made, name.kinora",
         "",
         {},
         Completion::File},
        {"set",
         "NAME=VALUE",
         "A parameter of all pictures of the table",
         "",
         {},
         Completion::None,
         Repeat::Yes},
        {"grid",
         "NAME=A,B,C",
         "Each row once for each of these values; up to three times",
         "",
         {},
         Completion::None,
         Repeat::Yes},
        {"count", "N", "Pictures of each row that does not say it", "1"},
        {"seed", "N", "What choices and seeds are drawn from", "random"},
        {"name", "NAME", "What the batch is called", "the table's name"},
        {"wildcards",
         "DIR",
         "Where __animal__ finds animal.txt",
         "the folder wildcards beside the table",
         {},
         Completion::Folder},
        {"all-choices", "", "Every combination of {red|green} and __animal__, not one drawn", ""},
        {"overwrite", "", "batch, pack: replace a file of that name", ""},
        {"dry-run", "", "Say what the table expands to, and save nothing", ""},
    };
}

CommandSpec renderCommand() {
    return {"render",
            "Make the pictures of a project",
            "PROJECT",
            "Makes what is not there yet and prints the paths of the files that it made. Run "
            "again, it goes on where it was interrupted, and does nothing where all is done. "
            "Several machines may run it on one shared folder: each picture is made by one of "
            "them.",
            1,
            1,
            {},
            Completion::File,
            renderOptions()};
}

CommandSpec projectCommand() {
    return {"project",
            "Make a project from a table, add to it, pack it",
            "batch TABLE | add PROJECT FILE... | pack PROJECT | unpack ZIP | rate "
            "PROJECT TASK|FILE STARS",
            "A table is CSV, JSONL or TXT (a prompt a line); its columns are the parameters of "
            "kinora image. Prompts may hold choices, {red|green|blue}, and wildcards, __animal__. "
            "Both are settled here, with the seeds: the project holds each picture as it will be "
            "made. A picture of A1111, ComfyUI, InvokeAI or Kinora becomes a task with its "
            "parameters. pack puts a project with all that belongs to it into one zip file, "
            "unpack makes a folder of that. rate gives a task's last picture, or the picture of "
            "that name, 1 to 5 stars, 0 takes them away; kinora info shows them.",
            1,
            -1,
            {"batch", "add", "pack", "unpack", "rate"},
            Completion::File,
            projectOptions()};
}

std::vector<CommandSpec> makeCommands() {
    std::vector<CommandSpec> all;
    all.push_back(
        {"image", "Make pictures from a prompt", "",
         "Makes one picture, or several that differ in their seed, and prints the paths "
         "of the files. Picture i of a series has the seed plus i and is the same picture "
         "alone or in any batch.",
         0, 0});
    all.back().options = imageOptions();
    all.push_back(queueCommand());
    all.push_back(renderCommand());
    all.push_back(projectCommand());
    all.push_back({"models",
                   "List the models that are here, or show one",
                   "[list | show NAME | add DIR | remove DIR | folders]",
                   "Models are looked for in the folders given with --models and KINORA_MODELS, in "
                   "those added with add or in the window (folders lists them; A1111's, ComfyUI's "
                   "and InvokeAI's are read in place, and remove only forgets one), in the data "
                   "folder, and among those that came with the program. What was read of a file is "
                   "remembered until the file changes.",
                   0,
                   2,
                   {"list", "show", "add", "remove", "folders"},
                   Completion::Model});
    all.push_back({"info",
                   "Say what a file is: picture, model, weights, project",
                   "FILE",
                   "For a picture: how it was made, as Kinora, A1111, ComfyUI or InvokeAI wrote it "
                   "down. For a project: its tasks. For a model folder: its parts and defaults. "
                   "For a safetensors file: its "
                   "tensors.",
                   1,
                   1,
                   {},
                   Completion::File});
    all.push_back(upscaleCommand());
    all.push_back({"verify",
                   "Make a picture again and compare",
                   "FILE...",
                   "Reads from each file how it was made, makes it again and compares the pixels. "
                   "The exit code is 0 when each is the same or close (PSNR of 40 dB or more), 1 "
                   "when one is different, 2 when one cannot be checked.",
                   1,
                   -1,
                   {},
                   Completion::File});
    all.back().options = {{"input",
                           "FILE",
                           "A file that a picture began from, such as its start latents; known by "
                           "its hash",
                           "",
                           {},
                           Completion::File,
                           Repeat::Yes}};
    all.push_back({"bench",
                   "Measure the speed of this machine",
                   "unet | vae | text | image",
                   "Times one part of a model, with random weights of the real sizes, or the whole "
                   "run from prompt to pixels with the starter model's sizes. No files are needed. "
                   "Beside what was measured stands what the plan predicts.",
                   1,
                   1,
                   {"unet", "vae", "text", "image"}});
    all.back().options = benchOptions();
    all.push_back({"devices", "List what can compute here", "", "", 0, 0});
    all.push_back({"worker", "Compute for a studio, which starts this itself", "",
                   "One of the processes that compute for the window, the queue and render. It "
                   "leaves when the one that started it is gone.",
                   0, 0});
    all.back().options = workerOptions();
    all.push_back({"completions",
                   "Print the completions for a shell",
                   "bash | zsh | fish",
                   "For example: kinora completions bash > "
                   "~/.local/share/bash-completion/completions/kinora",
                   1,
                   1,
                   {"bash", "zsh", "fish"}});
    all.push_back(
        {"manual", "Print the man page", "", "The page in roff: kinora manual | man -l -", 0, 0});
    return all;
}

// Edits between two words: insert, delete, replace, swap of neighbours (Damerau-Levenshtein,
// restricted).
size_t editDistance(std::string_view a, std::string_view b) {
    std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (size_t i = 1; i <= a.size(); ++i)
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

} // namespace

std::span<const OptionSpec> globalOptions() {
    static const std::vector<OptionSpec> options = {
        {"help", "", "Say what there is, or what a command takes", ""},
        {"version", "", "Print version, commit and back ends", ""},
        {"json", "", "One JSON object per line on standard output", ""},
        {"quiet", "", "No progress and no remarks: errors alone", ""},
        {"verbose", "", "More remarks", ""},
        {"no-color", "", "No colours; the variable NO_COLOR does the same", ""},
        {"models",
         "DIR",
         "Also look for models here; the variable KINORA_MODELS does the same",
         "",
         {},
         Completion::Folder,
         Repeat::Yes},
        {"data",
         "DIR",
         "Where cache and added models live",
         "~/.local/share/kinora",
         {},
         Completion::Folder},
        {"threads", "N", "How many threads compute", "one per core"},
        {"workers", "N",
         "How many processes compute for the window, the queue and render; 0: none, it is done in "
         "the program itself",
         "1"},
    };
    return options;
}

std::span<const CommandSpec> commands() {
    static const std::vector<CommandSpec> all = makeCommands();
    return all;
}

const CommandSpec* findCommand(std::string_view name) {
    for (const CommandSpec& command : commands())
        if (command.name == name) return &command;
    return nullptr;
}

const OptionSpec* findOption(const CommandSpec* command, std::string_view name) {
    if (command)
        for (const OptionSpec& option : command->options)
            if (option.name == name) return &option;
    for (const OptionSpec& option : globalOptions())
        if (option.name == name) return &option;
    return nullptr;
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
    // Words far longer than any candidate are not typing errors, and the table of distances is
    // as large as the product of both lengths.
    if (word.empty() || word.size() > 64) return {};
    size_t best = std::max<size_t>(1, word.size() / 3) + 1;
    std::string found;
    for (const std::string& candidate : candidates) {
        const bool beginsWith = word.size() >= 3 && candidate.starts_with(word);
        const size_t distance = beginsWith ? 1 : editDistance(word, candidate);
        if (distance < best) {
            best = distance;
            found = candidate;
        }
    }
    return found;
}

} // namespace kinora::app
