#include "core/media/prepare/prepare_picture.h"

#include "core/media/prepare/preparations.h"
#include "kernels/base/error.h"

#include <algorithm>
#include <string>

namespace kinora::core {
namespace {

struct Preparation {
    std::string_view name;
    Image (*make)(const Image& picture);
};
constexpr Preparation kPreparations[] = {
    {"canny", cannyEdges}, {"scribble", scribbled}, {"tile", withoutDetail},
    {"blur", blurred},     {"lineart", lineArt},
};
constexpr std::string_view kNone = "none";

std::string joinedNames() {
    std::string text;
    for (const std::string_view name : preparationNames())
        text += (text.empty() ? "" : ", ") + std::string(name);
    return text;
}

} // namespace

std::vector<std::string_view> preparationNames() {
    std::vector<std::string_view> names{kNone};
    for (const Preparation& preparation : kPreparations) names.push_back(preparation.name);
    return names;
}

Image preparePicture(Image picture, std::string_view name) {
    if (name == kNone) return picture;
    const auto* const found = std::ranges::find(kPreparations, name, &Preparation::name);
    if (found == std::end(kPreparations))
        throw Error(ErrorCode::InvalidArgument,
                    "There is no preparation '" + std::string(name.substr(0, 80)) + "'.",
                    "Use one of: " + joinedNames() + ".");
    return found->make(picture);
}

} // namespace kinora::core
