// A parser with a planted bug: the runner must find it, or the other targets' silence means
// nothing.

#include "tests/fuzz/fuzz_support.h"

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::require(fuzz::text(data, size).find("\"count\":18446744073709551616") ==
                      std::string_view::npos,
                  "no count is beyond 64 bits");
    return 0;
}
