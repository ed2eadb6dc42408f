#include "core/engine/process_memory.h"

#include <fstream>
#include <string>
#include <unistd.h>

namespace kinora::core {
namespace {

constexpr std::streamsize kLongestLine = 1 << 16;

} // namespace

uint64_t residentBytes() {
    std::ifstream statm("/proc/self/statm");
    uint64_t pages = 0, resident = 0;
    statm >> pages >> resident;
    return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Not getrusage's: that keeps the peak of the program that started this one.
uint64_t peakResidentBytes() {
    constexpr uint64_t kKibi = 1024;
    std::ifstream status("/proc/self/status");
    for (std::string key; status >> key; status.ignore(kLongestLine, '\n')) {
        uint64_t kibibytes = 0;
        if (key == "VmHWM:" && status >> kibibytes) return kibibytes * kKibi;
    }
    return 0;
}

} // namespace kinora::core
