#include "core/devices/power_state.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;

// The file's first line; empty where it cannot be read.
std::string firstLine(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

std::optional<long> numberIn(const fs::path& file) {
    const std::string line = firstLine(file);
    long value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc() || end == line.data()) return std::nullopt;
    return value;
}

template <typename Visit> void eachFolder(const fs::path& parent, const Visit& visit) {
    std::error_code error;
    for (fs::directory_iterator entry(parent, error), end; !error && entry != end;
         entry.increment(error))
        visit(entry->path());
}

void readSupplies(const fs::path& folder, PowerState& state) {
    bool discharging = false, mains = false;
    eachFolder(folder, [&](const fs::path& supply) {
        const std::string type = firstLine(supply / "type");
        if (type == "Mains" || type == "USB")
            mains = mains || numberIn(supply / "online").value_or(0) == 1;
        // "Device": the battery of a mouse or a pen.
        if (type != "Battery" || firstLine(supply / "scope") == "Device") return;
        discharging = discharging || firstLine(supply / "status") == "Discharging";
        if (const auto percent = numberIn(supply / "capacity"))
            state.batteryPercent =
                std::min(static_cast<int>(*percent), state.batteryPercent.value_or(100));
    });
    state.onBattery = discharging && !mains;
}

// Where the kernel slows or stops the machine: the lowest trip point of those kinds.
std::optional<double> limitCelsius(const fs::path& zone) {
    constexpr int kMostTrips = 16;
    std::optional<double> lowest;
    for (int trip = 0; trip < kMostTrips; ++trip) {
        const fs::path stem = zone / ("trip_point_" + std::to_string(trip));
        const std::string type = firstLine(stem.string() + "_type");
        if (type.empty()) break;
        const auto millidegrees = numberIn(stem.string() + "_temp");
        if ((type != "hot" && type != "critical") || !millidegrees || *millidegrees <= 0) continue;
        const double celsius = static_cast<double>(*millidegrees) / 1000;
        lowest = std::min(celsius, lowest.value_or(celsius));
    }
    return lowest;
}

void readZones(const fs::path& folder, PowerState& state) {
    eachFolder(folder, [&](const fs::path& zone) {
        const auto millidegrees = numberIn(zone / "temp");
        if (!millidegrees) return;
        const double celsius = static_cast<double>(*millidegrees) / 1000;
        state.hottestCelsius = std::max(celsius, state.hottestCelsius.value_or(celsius));
        const auto limit = limitCelsius(zone);
        if (limit && celsius >= *limit - PowerState::kMarginCelsius) state.tooHot = true;
    });
}

} // namespace

PowerState readPowerState(const fs::path& sys) {
    PowerState state;
    readSupplies(sys / "class" / "power_supply", state);
    readZones(sys / "class" / "thermal", state);
    return state;
}

} // namespace kinora::core
