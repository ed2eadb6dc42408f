#include "app/cli/control_arguments.h"

#include "kernels/base/error.h"
#include "pipelines/request/control_choice.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kinora::app {
namespace {

using pipelines::ControlChoice;

// One kind of net: the name of its option, with which those of its parts begin.
struct Kind {
    std::string_view option;
    std::vector<std::string> pipelines::ImageRequest::* nets;
    std::vector<std::string> pipelines::ImageRequest::* pictures;
    std::vector<std::string> pipelines::ImageRequest::* preparations;
};
constexpr Kind kKinds[] = {
    {"control", &pipelines::ImageRequest::controls, &pipelines::ImageRequest::controlImages,
     &pipelines::ImageRequest::controlPrepare},
    {"adapter", &pipelines::ImageRequest::adapters, &pipelines::ImageRequest::adapterImages,
     &pipelines::ImageRequest::adapterPrepare},
};
constexpr std::array<std::string_view, 5> kParts = {"", "-image", "-prepare", "-weight", "-range"};

[[noreturn]] void refuse(const std::string& message, const std::string& advice) {
    throw Error(ErrorCode::InvalidArgument, message, advice);
}

double numberFrom(const std::string& option, std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        refuse("--" + option + ": '" + std::string(text.substr(0, 60)) + "' is not a number.",
               "Use a number, such as 0.8.");
    return value;
}

// A net and what was said of it.
struct Group {
    std::string text; // "canny" or "canny:0.8"
    std::optional<std::string> picture, preparation, weight, range;

    // Of the parts but the net itself.
    std::optional<std::string>& part(std::string_view name) {
        if (name == "-image") return picture;
        if (name == "-prepare") return preparation;
        return name == "-weight" ? weight : range;
    }
};

std::string choiceText(const Kind& kind, const Group& group) {
    const std::string option(kind.option);
    std::optional<ControlChoice> choice = pipelines::parseControlChoice(group.text);
    std::string text = group.text;
    if (choice && (group.weight || group.range)) {
        if (group.weight) choice->weight = numberFrom(option + "-weight", *group.weight);
        if (group.range) {
            const size_t colon = group.range->find(':');
            if (colon == std::string::npos)
                refuse("--" + option + "-range: '" + group.range->substr(0, 60) +
                           "' is not a range.",
                       "Use BEGIN:END, shares of the run such as 0:0.5.");
            const std::string_view range = *group.range;
            choice->begin = numberFrom(option + "-range", range.substr(0, colon));
            choice->end = numberFrom(option + "-range", range.substr(colon + 1));
        }
        text = toText(*choice);
        choice = pipelines::parseControlChoice(text);
    }
    if (!choice)
        refuse("--" + option + ": '" + text.substr(0, 80) + "' is not understood.",
               "Weights go from -100 to 100, ranges from 0 to 1: the first below the second.");
    return text;
}

std::vector<Group> groupsOf(const Kind& kind, const Arguments& arguments) {
    std::vector<Group> groups;
    for (const auto& [name, value] : arguments.options) {
        if (!name.starts_with(kind.option)) continue;
        const std::string_view part = std::string_view(name).substr(kind.option.size());
        if (std::ranges::find(kParts, part) == kParts.end()) continue;
        if (part.empty()) {
            groups.push_back({value, {}, {}, {}, {}});
            continue;
        }
        if (groups.empty())
            refuse("--" + name + ": stands before any --" + std::string(kind.option) + ".",
                   "Put it behind the one that it is for.");
        std::optional<std::string>& field = groups.back().part(part);
        if (field)
            refuse("--" + name + ": is there twice for one --" + std::string(kind.option) + ".",
                   "Leave out one of them.");
        field = value;
    }
    return groups;
}

} // namespace

bool isControlOption(std::string_view option) {
    return std::ranges::any_of(kKinds, [option](const Kind& kind) {
        return option.starts_with(kind.option) &&
               std::ranges::find(kParts, option.substr(kind.option.size())) != kParts.end();
    });
}

void applyControlArguments(pipelines::ImageRequest& request, const Arguments& arguments) {
    for (const Kind& kind : kKinds) {
        std::vector<std::string>& preparations = request.*kind.preparations;
        for (const Group& group : groupsOf(kind, arguments)) {
            if (!group.picture)
                refuse("--" + std::string(kind.option) + " " + group.text.substr(0, 80) +
                           ": has no picture to follow.",
                       "Add --" + std::string(kind.option) + "-image FILE behind it.");
            if (group.preparation) { // one for each, or none at all
                preparations.resize((request.*kind.nets).size(), "none");
                preparations.push_back(*group.preparation);
            } else if (!preparations.empty()) {
                preparations.emplace_back("none");
            }
            (request.*kind.nets).push_back(choiceText(kind, group));
            (request.*kind.pictures).push_back(*group.picture);
        }
    }
}

} // namespace kinora::app
