#pragma once
// What a call throws, as "code: message", or "nothing":
//
//     CHECK(thrownBy([&] { parse(text); }).starts_with("bad-file: "));

#include "kernels/base/error.h"

#include <string>

namespace kinora::test {

template <typename Call> std::string thrownBy(const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        return std::string(errorCodeName(error.code())) + ": " + error.message();
    }
    return "nothing";
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace kinora::test
