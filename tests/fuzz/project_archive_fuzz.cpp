// A packed project. Unpacked in memory: /dev/shm is no disk.

#include "core/project/project_archive.h"
#include "tests/fuzz/fuzz_file.h"

#include <string>

using namespace kinora;

namespace fs = std::filesystem;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const fuzz::MemoryFile file(fuzz::text(data, size));
    const fs::path beside = "/dev/shm/kinora-fuzz-" + std::to_string(::getpid());
    fs::create_directories(beside);
    const fs::path folder = beside / "out";
    const auto unpacked = core::unpackProject(file.path(), folder);
    if (!unpacked) {
        fuzz::requirePresentable(unpacked.error());
        fuzz::require(!fs::exists(folder), "what is refused leaves nothing");
    }
    fs::remove_all(folder);
    fuzz::require(fs::is_empty(beside), "nothing lies beside the folder");
    fs::remove(beside);
    return 0;
}
