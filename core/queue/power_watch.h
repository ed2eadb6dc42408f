#pragma once
// Whether a queue may compute, as far as the machine's power goes, and that the machine stays awake
// while it does.
//
//     PowerWatch power({.pauseOnBattery = true});
//     if (power.reasonToHold(bootSeconds()).empty()) startJobs();
//     power.setWorking(jobsRun);
//
// One thread.

#include "core/devices/sleep_inhibitor.h"

#include <filesystem>
#include <memory>
#include <string>

namespace kinora::core {

class PowerWatch {
  public:
    struct Options {
        bool pauseOnBattery = false;
        bool pauseWhenHot = false;
        double lookSeconds = 5;  // between two looks at the sensors
        double coolSeconds = 60; // that it has to be cool before work goes on: not on and off
        std::filesystem::path sysfs = "/sys";
    };
    explicit PowerWatch(Options options);

    // "the machine runs on its battery", or empty. now: seconds of a clock that does not jump.
    const std::string& reasonToHold(double now);
    // From the next look on.
    void setOptions(Options options);
    // The machine is kept awake from true to false.
    void setWorking(bool working);

  private:
    Options m_options;
    double m_nextLook = 0, m_coolAt = 0;
    std::string m_reason;
    std::unique_ptr<SleepInhibitor> m_awake;
};

} // namespace kinora::core
