#pragma once
// Whether the machine runs on its battery, and how hot it is: what decides whether a queue pauses.
// Source: the kernel's power_supply and thermal classes
// (Documentation/ABI/testing/sysfs-class-power, sysfs-class-thermal).

#include <filesystem>
#include <optional>

namespace kinora::core {

struct PowerState {
    bool onBattery = false;            // a battery is being emptied and no mains is plugged in
    std::optional<int> batteryPercent; // of the emptiest system battery; none: there is no battery
    bool tooHot = false; // a zone is within kMarginCelsius of where it would be stopped
    std::optional<double> hottestCelsius; // of all zones; none: nothing says

    static constexpr double kMarginCelsius = 5;
};

// Reads a few small files: cheap enough for once every few seconds. What is missing or does not
// read as a number is passed over. sys: the root of sysfs. Any thread.
PowerState readPowerState(const std::filesystem::path& sys = "/sys");

} // namespace kinora::core
