#include "core/library/plain_file_name.h"

#include "core/library/companion_files.h"
#include "pipelines/text/learnt_words.h"

namespace kinora::core {
namespace {

// " [879db523c3]" at the end; npos where there is none. "style [locon]" is a name.
size_t hashAt(const std::string& name) {
    const size_t bracket = name.rfind(" [");
    if (bracket == std::string::npos || !name.ends_with(']') || bracket + 3 == name.size())
        return std::string::npos;
    const size_t end = name.find_first_not_of("0123456789abcdefABCDEF", bracket + 2);
    return end + 1 == name.size() ? bracket : std::string::npos;
}

} // namespace

std::string plainFileName(const std::string& name) {
    std::filesystem::path plain = name.substr(0, hashAt(name));
    if (hasWeightsEnding(plain)) plain.replace_extension();
    return plain.string();
}

bool isCalled(const std::string& name, const std::string& asked) {
    const std::string own = pipelines::lowerCaseName(name);
    return own == pipelines::lowerCaseName(asked) ||
           own == pipelines::lowerCaseName(plainFileName(asked));
}

} // namespace kinora::core
