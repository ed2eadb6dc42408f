#include "app/cli/image_request_arguments.h"

#include "app/cli/control_arguments.h"
#include "core/media/sampler_names.h"
#include "kernels/base/error.h"
#include "pipelines/request/parameters.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kinora::app {
namespace {

using pipelines::Parameter;

std::string promptFrom(int input) {
    constexpr size_t kLongest = size_t{1} << 20; // longer ones are refused, and not read to the end
    std::string prompt(kLongest + 1, '\0');
    size_t size = 0;
    while (size < prompt.size()) {
        const ssize_t count = ::read(input, prompt.data() + size, prompt.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            throw Error(ErrorCode::InvalidArgument,
                        std::string("--prompt -: standard input cannot be read: ") +
                            (errno == EBADF ? "it is closed" : std::strerror(errno)) + ".",
                        "Give the prompt there, as in: echo \"a fox\" | kinora image --prompt -");
        if (count == 0) break;
        size += static_cast<size_t>(count);
    }
    prompt.resize(size);
    while (!prompt.empty() && (prompt.back() == '\n' || prompt.back() == '\r')) prompt.pop_back();
    return prompt;
}

// The table names a parameter as JSON does; here people know it as an option.
Error asOption(const Error& error, const Parameter& parameter) {
    const std::string name = std::string(parameter.name) + ":";
    std::string message = error.message();
    if (message.starts_with(name))
        message = "--" + std::string(parameter.option) + ":" + message.substr(name.size());
    return Error(error.code(), message, error.advice());
}

// What the options say, in the order of the table, by the names of parameters.
std::vector<std::pair<std::string, std::string>> textsOf(const Arguments& arguments, int input) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (const Parameter& parameter : pipelines::imageParameters()) {
        if (isControlOption(parameter.option)) continue;
        for (std::string text : arguments.values(parameter.option)) {
            if (parameter.option == "prompt" && text == "-") text = promptFrom(input);
            texts.emplace_back(parameter.name, std::move(text));
        }
    }
    core::useOwnSamplerNames(texts);
    return texts;
}

} // namespace

pipelines::ImageRequest imageRequestFromArguments(const Arguments& arguments, int input) {
    if (!arguments.has("prompt"))
        throw Error(ErrorCode::InvalidArgument, "There is no prompt.",
                    "Say what the picture shows: --prompt \"3d emoji of a red apple\". "
                    "--prompt \"\" makes one without.");
    pipelines::ImageRequest request;
    applyImageArguments(request, arguments, input);
    return request;
}

void applyImageArguments(pipelines::ImageRequest& request, const Arguments& arguments, int input) {
    for (const auto& [name, text] : textsOf(arguments, input)) {
        const Parameter& parameter = *pipelines::findImageParameter(name);
        try {
            pipelines::addFromText(request, parameter, text);
        } catch (const Error& error) {
            throw asOption(error, parameter);
        }
    }
    applyControlArguments(request, arguments);
    pipelines::validate(request);
}

} // namespace kinora::app
