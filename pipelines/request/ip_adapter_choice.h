#pragma once
// One picture beside the prompt, as a request has it: "plus:cat.png", "plus:cat.png:0.6",
// "/models/plus.safetensors:/pictures/cat.png:0.6".

#include "pipelines/request/image_request.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

inline constexpr double kMostIpAdapterWeight = 10;

struct IpAdapterChoice {
    std::string adapter; // name or file
    std::string picture; // file; in a picture's metadata the digits of its SHA-256
    double weight = 1;
};

// The adapter ends at the first colon (of a project's asset:HASH at the second), a number after the
// last one is the weight. nullopt where a part is missing, or the weight is beyond what makes
// sense.
std::optional<IpAdapterChoice> parseIpAdapterChoice(std::string_view text);
std::string toText(const IpAdapterChoice& choice);

// Of a request that was checked.
std::vector<IpAdapterChoice> ipAdapterChoices(const ImageRequest& request);
// For each, which of the distinct adapters it is, by the order in which they are first named.
std::vector<size_t> adapterNumbers(const std::vector<IpAdapterChoice>& choices);

} // namespace kinora::pipelines
