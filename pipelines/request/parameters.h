#pragma once
// The one table of parameters. The command line, the panel, the metadata, the --json events and the
// message to a worker all read it; a new parameter is one row here and its use in a pipeline.
//
//     for (const Parameter& p : imageParameters())
//         std::cout << "--" << p.option << "  " << p.help << "\n";

#include "pipelines/request/image_request.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kinora::pipelines {

enum class ParameterRole {
    Result,  // decides how the picture looks: stored in its metadata, replayed by verify
    Running, // decides how it is run (device, batch): stored with the plan
    Output,  // decides what else comes out (previews, files): never stored
};

// Where the value lives in the request; the alternative is the parameter's type.
using ParameterField =
    std::variant<std::string ImageRequest::*, int64_t ImageRequest::*, double ImageRequest::*,
                 std::optional<std::string> ImageRequest::*, std::optional<int64_t> ImageRequest::*,
                 std::optional<double> ImageRequest::*, std::vector<std::string> ImageRequest::*>;

struct Parameter {
    std::string_view name;   // in JSON: "guidanceRescale"
    std::string_view option; // on the command line: "guidance-rescale"
    std::string_view label;  // in the window: "Guidance rescale"
    std::string_view help;   // one line, sentence case
    std::string_view unit;   // "px", "" ...
    ParameterField field;
    ParameterRole role;
    double minimum = 0;
    double maximum = 0;     // numbers: minimum <= value <= maximum; text: the most bytes, of a list
                            // those of one entry
    int64_t multipleOf = 1; // sizes
    std::variant<std::monostate, int64_t, double, std::string> fallback; // where nobody says
    std::vector<std::string_view> choices = {}; // names that are allowed; empty: any text
    // Text (of a list: each entry) that follows a rule of its own: what it has to be ("#rrggbb
    // ..."), empty where it is.
    std::string_view (*rule)(std::string_view value) = nullptr;
};

// The entries of a list in one text stand between these.
inline constexpr char kListSeparator = ';';
inline constexpr size_t kMostListEntries = 64;

bool isList(const Parameter& parameter);

std::span<const Parameter> imageParameters();
// nullptr where there is none of that name.
const Parameter* findImageParameter(std::string_view name);

// Checks types, ranges, choices, UTF-8 and lengths. Throws Error{InvalidArgument}, which names the
// parameter, the value and the range.
void validate(const ImageRequest& request);

// Reads a value as a person types it ("24", "5.5", "euler"). Throws Error{InvalidArgument}.
void setFromText(ImageRequest& request, const Parameter& parameter, std::string_view text);

// The same for an option that may be given several times: a list grows by one entry, any other
// value is set.
void addFromText(ImageRequest& request, const Parameter& parameter, std::string_view text);

// The value as a person would type it; nullopt where it is unset.
std::optional<std::string> toText(const ImageRequest& request, const Parameter& parameter);

// Canonical JSON: keys sorted, unset optional fields and empty lists absent, all others there.
// fromJson throws Error{InvalidArgument} on an unknown key, a wrong type or a value out of range
// (as validate does).
nlohmann::json toJson(const ImageRequest& request);
ImageRequest imageRequestFromJson(const nlohmann::json& json);

} // namespace kinora::pipelines
