#include "app/cli/queue_verbs.h"

#include "app/cli/queue_job_arguments.h"
#include "kernels/base/error.h"

#include <algorithm>
#include <string>

namespace kinora::app {
namespace {

constexpr int kAnyNumber = -1;

bool has(const QueueVerb& verb, std::string_view option) {
    return std::ranges::find(verb.options, option) != verb.options.end();
}

bool isQueuesOwn(std::string_view option) {
    return std::ranges::any_of(queueVerbs(),
                               [&](const QueueVerb& verb) { return has(verb, option); });
}

bool isEverywhere(std::string_view option) {
    return findOption(nullptr, option) != nullptr;
}

bool takes(const QueueVerb& verb, std::string_view option) {
    if (isEverywhere(option) || has(verb, option)) return true;
    return verb.pictures == PictureOptions::Yes && !isQueuesOwn(option);
}

std::string whoTakes(std::string_view option) {
    std::string verbs;
    for (const QueueVerb& verb : queueVerbs())
        if (takes(verb, option)) verbs += (verbs.empty() ? "" : ", ") + std::string(verb.name);
    return "It is an option of: " + verbs + ".";
}

void checkOptions(const QueueVerb& verb, const Arguments& arguments) {
    for (const auto& [option, value] : arguments.options)
        if (!takes(verb, option))
            throw Error(ErrorCode::InvalidArgument,
                        "kinora queue " + std::string(verb.name) + " takes no --" + option + ".",
                        whoTakes(option));
}

void checkJobs(const QueueVerb& verb, const std::vector<std::string>& words) {
    const std::string command = "kinora queue " + std::string(verb.name);
    const int count = static_cast<int>(words.size()) - 1;
    if (verb.mostJobs == 0 && count > 0)
        throw Error(
            ErrorCode::InvalidArgument, command + " takes no '" + words[1].substr(0, 60) + "'.",
            verb.pictures == PictureOptions::Yes ? "A prompt is given with --prompt, in quotes."
                                                 : "kinora queue --help says what it takes.");
    (void)jobIdsFrom(words);
    const bool tooMany = verb.mostJobs != kAnyNumber && count > verb.mostJobs;
    if (count < verb.fewestJobs || tooMany)
        throw Error(ErrorCode::InvalidArgument,
                    command + (verb.mostJobs == 1 ? " needs one job." : " needs a job."),
                    "kinora queue list shows their numbers.");
}

} // namespace

std::span<const QueueVerb> queueVerbs() {
    static const std::vector<QueueVerb> verbs{
        {"list", 0, 0, PictureOptions::No, {"project", "state", "text", "limit", "skip"}},
        {"show", 1, 1, PictureOptions::No},
        {"add", 0, 0, PictureOptions::Yes, {"project", "priority", "after", "paused"}},
        {"edit", 1, 1, PictureOptions::Yes, {"project", "priority"}},
        {"move", 1, 1, PictureOptions::No, {"priority", "before"}},
        {"pause", 0, kAnyNumber, PictureOptions::No, {"after-this"}},
        {"resume", 0, kAnyNumber, PictureOptions::No},
        {"cancel", 1, kAnyNumber, PictureOptions::No},
        {"retry", 0, kAnyNumber, PictureOptions::No},
        {"clear", 0, 0, PictureOptions::No, {"state"}},
        {"run", 0, 0, PictureOptions::No, {"wait", "pause-on-battery", "pause-when-hot"}},
    };
    return verbs;
}

void checkQueueVerb(const Arguments& arguments) {
    const std::vector<std::string>& words = arguments.positional;
    const QueueVerb& verb = *std::ranges::find(queueVerbs(), words.at(0), &QueueVerb::name);
    checkOptions(verb, arguments);
    checkJobs(verb, words);
    const auto changes = [](const auto& option) { return !isEverywhere(option.first); };
    if (verb.name == "edit" && std::ranges::none_of(arguments.options, changes))
        throw Error(ErrorCode::InvalidArgument, "kinora queue edit is told nothing to change.",
                    "Give what is to be another: --steps 30, --prompt TEXT, --priority 1.");
}

} // namespace kinora::app
