#include "core/engine/process_memory.h"

#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace kinora::core {

uint64_t residentBytes() {
    std::ifstream statm("/proc/self/statm");
    uint64_t pages = 0, resident = 0;
    statm >> pages >> resident;
    return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t peakResidentBytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    constexpr uint64_t kKibi = 1024;
    return static_cast<uint64_t>(usage.ru_maxrss) * kKibi;
}

} // namespace kinora::core
