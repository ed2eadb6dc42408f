#include "app/cli/project_arguments.h"

#include "app/cli/command_table.h"
#include "core/media/sampler_names.h"
#include "core/project/batch_table.h"
#include "kernels/base/error.h"
#include "pipelines/request/parameters.h"

#include <charconv>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

bool number(std::string_view text, int64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

} // namespace

fs::path projectPathFrom(const std::string& argument) {
    std::error_code error;
    const fs::path path(argument);
    if (!fs::is_directory(path, error)) {
        if (path.extension() == ".kinora") return path;
        throw Error(ErrorCode::InvalidArgument,
                    argument + " is not a project: its name does not "
                               "end in .kinora.",
                    "kinora project batch table.csv --output name.kinora makes one.");
    }
    fs::path found;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().extension() != ".kinora") continue;
        if (!found.empty())
            throw Error(ErrorCode::InvalidArgument, argument + " holds more than one project.",
                        "Name one of them.");
        found = entry->path();
    }
    if (found.empty())
        throw Error(ErrorCode::NotFound, argument + ": there is no project in this folder.",
                    "A project's name ends in .kinora.");
    return found;
}

std::vector<std::pair<std::string, std::string>>
assignmentsFrom(const std::vector<std::string>& arguments) {
    std::vector<std::pair<std::string, std::string>> assignments;
    for (const std::string& argument : arguments) {
        const size_t equals = argument.find('=');
        if (equals == std::string::npos || equals == 0)
            throw Error(ErrorCode::InvalidArgument,
                        "--set: '" + argument + "' is not of the form name=value.",
                        "For example: --set steps=30");
        const std::string name = argument.substr(0, equals);
        const pipelines::Parameter* parameter = core::parameterOfColumn(name);
        if (!parameter) {
            std::vector<std::string> names;
            for (const auto& known : pipelines::imageParameters()) names.emplace_back(known.name);
            const std::string near = nearest(name, names);
            throw Error(ErrorCode::InvalidArgument, "--set: there is no parameter '" + name + "'.",
                        near.empty() ? "Parameters are the options of kinora image."
                                     : "Did you mean " + near + "?");
        }
        assignments.emplace_back(parameter->name, argument.substr(equals + 1));
    }
    core::useOwnSamplerNames(assignments);
    return assignments;
}

std::pair<int64_t, int64_t> taskRangeFrom(const std::string& argument, int64_t tasks) {
    const size_t dash = argument.find('-');
    int64_t first = 0, last = 0;
    const bool read =
        number(argument.substr(0, dash), first) &&
        number(dash == std::string::npos ? argument : argument.substr(dash + 1), last);
    if (!read || first > last || last >= tasks)
        throw Error(ErrorCode::InvalidArgument, "--task: '" + argument + "' names no tasks.",
                    "Tasks are numbered from 0 to " + std::to_string(tasks - 1) +
                        "; write 7 or 7-12.");
    return {first, last};
}

} // namespace kinora::app
