#include "core/project/reference_cycles.h"

#include <unordered_map>
#include <unordered_set>

namespace kinora::core {

std::string referenceProblem(const std::vector<std::pair<std::string, std::string>>& references) {
    std::unordered_map<std::string, std::string> next;
    for (const auto& [name, other] : references)
        if (!next.emplace(name, other).second) return "'" + name + "' is there twice";
    for (const auto& [name, other] : references)
        if (!other.empty() && !next.contains(other))
            return "'" + name + "' refers to '" + other + "', which is not there";
    std::unordered_set<std::string> sound; // leads nowhere bad
    for (const auto& [start, unused] : references) {
        std::vector<std::string> path;
        std::unordered_set<std::string> onPath;
        for (std::string at = start; !at.empty() && !sound.contains(at); at = next[at]) {
            path.push_back(at);
            if (onPath.insert(at).second) continue;
            std::string way;
            for (const std::string& step : path) way += (way.empty() ? "" : ", ") + step;
            return "'" + at + "' leads back to itself: " + way.substr(0, 200);
        }
        sound.insert(path.begin(), path.end());
    }
    return {};
}

} // namespace kinora::core
