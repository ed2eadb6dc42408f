#include "kernels/base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace kinora {

namespace {

struct Lead {
    int continuations;       // bytes that must follow; -1: no character starts like this
    uint8_t lowest, highest; // of the first of them; the others are 80..BF
};

Lead classify(uint8_t byte) {
    if (byte < 0x80) return {0, 0, 0};
    if (byte < 0xc2) return {-1, 0, 0};
    if (byte < 0xe0) return {1, 0x80, 0xbf};
    if (byte == 0xe0) return {2, 0xa0, 0xbf};
    if (byte == 0xed) return {2, 0x80, 0x9f}; // above are the surrogates
    if (byte < 0xf0) return {2, 0x80, 0xbf};
    if (byte == 0xf0) return {3, 0x90, 0xbf};
    if (byte < 0xf4) return {3, 0x80, 0xbf};
    if (byte == 0xf4) return {3, 0x80, 0x8f};
    return {-1, 0, 0};
}

} // namespace

bool isValidUtf8(std::string_view text) {
    for (size_t i = 0; i < text.size();) {
        const Lead lead = classify(static_cast<uint8_t>(text[i++]));
        if (lead.continuations < 0) return false;
        for (int n = 0; n < lead.continuations; ++n, ++i) {
            if (i >= text.size()) return false;
            const auto byte = static_cast<uint8_t>(text[i]);
            if (n == 0 && (byte < lead.lowest || byte > lead.highest)) return false;
            if ((byte & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

} // namespace kinora
