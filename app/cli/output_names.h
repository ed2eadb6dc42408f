#pragma once
// Where pictures go: names from --output, checked before anything runs.
//
//     OutputNames names = planOutputs({.output = "apple.png", .count = 2, ...});
//     names.paths -> apple-1.png, apple-2.png

#include "core/media/image_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kinora::app {

struct OutputRequest {
    std::optional<std::string> output; // as given: a file, a folder or a pattern
    std::optional<std::string> format; // as given: "webp"
    bool overwrite = false;
    std::filesystem::path defaultFolder; // where pictures go without --output
    std::string prompt;
    std::string model; // its name
    int64_t seed = 0;  // of the first picture
    int64_t count = 1;
    // Names that pictures will have which are not there yet, as absolute paths. They count as
    // taken, and as seen for {index}.
    std::set<std::string> promised;
};

struct OutputNames {
    core::ImageFormat format = core::ImageFormat::Png;
    std::vector<std::filesystem::path> paths; // one for each picture, all different
    // Made before the first picture is written, where they are missing.
    std::vector<std::filesystem::path> folders;
};

// As the queue and `promised` name a file: absolute, without "." and "..".
std::string absoluteText(const std::filesystem::path& path);

// Throws Error{InvalidArgument}: an unknown field or format, a file that is there already, a folder
// that is missing or cannot be written to, a name that is too long. Writes nothing.
OutputNames planOutputs(const OutputRequest& request);

// The names of pictures that had names already (one at least) and are planned anew, without another
// --output: they keep their folder and names; further ones are numbered after the first of them,
// and another format changes the endings. Looks at count, format, overwrite and promised alone;
// throws as planOutputs does.
OutputNames continueOutputs(const std::vector<std::filesystem::path>& had, core::ImageFormat format,
                            const OutputRequest& request);

// The same checks for one file that something else writes.
void checkOutputFile(const std::filesystem::path& path, bool overwrite);

} // namespace kinora::app
