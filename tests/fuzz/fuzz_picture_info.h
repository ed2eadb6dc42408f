#pragma once
// What every reader of a picture's metadata owes: text that can be shown, a request that can be
// used.

#include "core/media/metadata.h"
#include "pipelines/request/parameters.h"
#include "tests/fuzz/fuzz_support.h"

namespace kinora::fuzz {

inline void requireUsable(const core::PictureInfo& info) {
    for (const auto& [name, value] : info.others) {
        require(isValidUtf8(name) && isValidUtf8(value), "other values can be shown");
    }
    if (info.request) {
        try {
            pipelines::validate(*info.request);
        } catch (const Error&) {
            require(false, "a request that is found is valid");
        }
    }
}

} // namespace kinora::fuzz
