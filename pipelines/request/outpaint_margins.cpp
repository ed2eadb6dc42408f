#include "pipelines/request/outpaint_margins.h"

#include <charconv>

namespace kinora::pipelines {

std::optional<OutpaintMargins> parseOutpaintMargins(std::string_view text) {
    constexpr int64_t kMost = 4096;
    OutpaintMargins margins;
    int64_t* const sides[] = {&margins.left, &margins.top, &margins.right, &margins.bottom};
    const char *at = text.data(), *const end = text.data() + text.size();
    for (int64_t* const side : sides) {
        if (side != sides[0] && (at == end || *at++ != ',')) return std::nullopt;
        const auto [rest, error] = std::from_chars(at, end, *side);
        if (error != std::errc() || *side < 0 || *side > kMost) return std::nullopt;
        at = rest;
    }
    const bool none = margins.left + margins.top + margins.right + margins.bottom == 0;
    if (at != end || none) return std::nullopt;
    return margins;
}

} // namespace kinora::pipelines
