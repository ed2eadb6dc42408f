// The web UIs' "parameters" text.

#include "core/media/metadata.h"
#include "tests/fuzz/fuzz_picture_info.h"

#include <string>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::requireUsable(core::parseParametersText(std::string(fuzz::text(data, size))));
    return 0;
}
