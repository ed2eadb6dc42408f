#pragma once
// What a lease file says of its holder, and whether that process is still there.

#include <optional>
#include <string>
#include <string_view>

namespace kinora::core {

struct LeaseHolder {
    std::string token; // of the holding object
    std::string host;
    std::string bootId;       // of the running system
    std::string pidNamespace; // process numbers mean something within one alone
    int64_t pid = 0;
    uint64_t processStart = 0; // in clock ticks since the boot: numbers are used again
};

LeaseHolder thisHolder(std::string token);
std::string leaseText(const LeaseHolder& holder);
// Hostile input; nothing where it is no lease, or one that is being written.
std::optional<LeaseHolder> parseLease(std::string_view text);

enum class HolderState { Alive, Gone, Elsewhere }; // Elsewhere: another system; it cannot be seen
HolderState stateOf(const LeaseHolder& holder);

} // namespace kinora::core
