#pragma once
// What every fuzz target shares: bad input must end in an Error that can be shown to a person.
//
//     extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
//         kinora::fuzz::errorsAreAnswers([&] { parse(kinora::fuzz::text(data, size)); });
//         return 0;
//     }
//
// The same function is run by libFuzzer (option KINORA_FUZZ) and by mutate_main.cpp under ctest.

#include "kernels/base/error.h"
#include "kernels/base/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace kinora::fuzz {

inline std::string_view text(const uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// Ends the process; the runner keeps the input.
inline void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "fuzz: this should hold: %s\n", what);
        std::abort();
    }
}

inline void requirePresentable(const Error& error) {
    require(error.code() != ErrorCode::Internal, "bad input is never reported as our own bug");
    require(!error.message().empty(), "an error says what failed");
    require(isValidUtf8(error.message()) && isValidUtf8(error.advice()), "messages are UTF-8");
}

// Runs it; an Error is an answer, anything else that escapes ends the process.
template <typename Run> void errorsAreAnswers(Run run) {
    try {
        run();
    } catch (const Error& error) {
        requirePresentable(error);
    }
}

} // namespace kinora::fuzz
