// A cache of what was read of files, of any content: what it tells is bounded, and of a file that
// is not the one of the cache it tells nothing.

#include "core/library/companion_cache.h"
#include "core/library/file_stamp.h"
#include "tests/fuzz/fuzz_file.h"

#include <string>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const fuzz::MemoryFile memory(fuzz::text(data, size));
    const core::CompanionCache cache(memory.path());
    for (const char* file : {"/a.safetensors", "/", ""})
        if (const auto info = cache.known(file)) {
            fuzz::require(!core::fileStamp(std::filesystem::path(file)).empty(),
                          "only what is there is known");
            fuzz::require(!info->kind.empty() && info->triggerWords.size() <= 16,
                          "what is told is bounded");
        }
    return 0;
}
