#include "core/project/lease_holder.h"

#include "core/media/bounded_json.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace kinora::core {
namespace {

std::string firstLine(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::string pidNamespace() {
    std::string text(64, '\0');
    const ssize_t size = ::readlink("/proc/self/ns/pid", text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
}

// Field 22 of /proc/PID/stat, counted behind the name, which may hold anything. Source: proc(5).
uint64_t startOf(int64_t pid) {
    const std::string line = firstLine("/proc/" + std::to_string(pid) + "/stat");
    const size_t end = line.rfind(')');
    if (end == std::string::npos) return 0;
    std::istringstream fields(line.substr(end + 1));
    std::string skipped;
    constexpr int kBefore = 19; // from field 3 to field 21
    for (int i = 0; i < kBefore; ++i) fields >> skipped;
    uint64_t start = 0;
    fields >> start;
    return start;
}

std::string hostName() {
    std::string name(256, '\0');
    if (::gethostname(name.data(), name.size() - 1) != 0) return "?";
    return name.c_str();
}

} // namespace

LeaseHolder thisHolder(std::string token) {
    const auto pid = static_cast<int64_t>(::getpid());
    return {std::move(token), hostName(), firstLine("/proc/sys/kernel/random/boot_id"),
            pidNamespace(),   pid,        startOf(pid)};
}

std::string leaseText(const LeaseHolder& holder) {
    const nlohmann::ordered_json json = {{"token", holder.token},
                                         {"host", holder.host},
                                         {"pid", holder.pid},
                                         {"boot", holder.bootId},
                                         {"start", holder.processStart},
                                         {"pidNamespace", holder.pidNamespace}};
    return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<LeaseHolder> parseLease(std::string_view text) {
    constexpr size_t kLongest = 4096;
    if (text.size() > kLongest) return std::nullopt;
    const auto json = parseBoundedJson(text);
    if (!json || !json->is_object()) return std::nullopt;
    for (const char* name : {"token", "host", "boot", "pidNamespace"})
        if (!json->contains(name) || !(*json)[name].is_string()) return std::nullopt;
    for (const char* name : {"pid", "start"})
        if (!json->contains(name) || !(*json)[name].is_number_unsigned()) return std::nullopt;
    return LeaseHolder{(*json)["token"],        (*json)["host"], (*json)["boot"],
                       (*json)["pidNamespace"], (*json)["pid"],  (*json)["start"]};
}

HolderState stateOf(const LeaseHolder& holder) {
    const LeaseHolder own = thisHolder({});
    if (own.bootId.empty() || holder.bootId != own.bootId || holder.host != own.host ||
        holder.pidNamespace != own.pidNamespace || holder.pid <= 0 || holder.pid > int64_t{1} << 30)
        return HolderState::Elsewhere;
    if (::kill(static_cast<pid_t>(holder.pid), 0) != 0 && errno == ESRCH) return HolderState::Gone;
    return startOf(holder.pid) == holder.processStart ? HolderState::Alive : HolderState::Gone;
}

} // namespace kinora::core
