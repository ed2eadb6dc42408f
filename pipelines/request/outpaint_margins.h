#pragma once
// How much a picture grows on each side: "128,0,128,64".

#include <cstdint>
#include <optional>
#include <string_view>

namespace kinora::pipelines {

struct OutpaintMargins {
    int64_t left = 0, top = 0, right = 0, bottom = 0; // pixels, 0 to 4096
};

// nullopt where it is not four such numbers, or all are 0.
std::optional<OutpaintMargins> parseOutpaintMargins(std::string_view text);

} // namespace kinora::pipelines
