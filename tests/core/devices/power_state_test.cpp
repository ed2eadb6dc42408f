#include "core/devices/power_state.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <fstream>

using namespace kinora::core;

namespace {

// A sysfs with what a test puts into it.
class Sysfs {
  public:
    void put(const std::string& file, const std::string& line) const {
        const std::filesystem::path path = root() / "class" / file;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << line << '\n';
    }
    std::filesystem::path root() const { return m_folder.path().toStdString(); }

  private:
    QTemporaryDir m_folder;
};

void addBattery(const Sysfs& sys, const std::string& name, const std::string& status, int percent) {
    sys.put("power_supply/" + name + "/type", "Battery");
    sys.put("power_supply/" + name + "/status", status);
    sys.put("power_supply/" + name + "/capacity", std::to_string(percent));
}

void addZone(const Sysfs& sys, const std::string& name, int celsius, int criticalCelsius) {
    const std::string zone = "thermal/" + name + "/";
    sys.put(zone + "temp", std::to_string(celsius * 1000));
    sys.put(zone + "trip_point_0_type", "passive");
    sys.put(zone + "trip_point_0_temp", "40000");
    sys.put(zone + "trip_point_1_type", "critical");
    sys.put(zone + "trip_point_1_temp", std::to_string(criticalCelsius * 1000));
}

} // namespace

class PowerStateTest : public QObject {
    Q_OBJECT

  private slots:
    void aMachineThatSaysNothingIsOnMainsAndCool() {
        const PowerState state = readPowerState(Sysfs().root());
        QVERIFY(!state.onBattery && !state.tooHot);
        QVERIFY(!state.batteryPercent && !state.hottestCelsius);
    }

    void aBatteryThatIsEmptiedCounts() {
        const Sysfs sys;
        addBattery(sys, "BAT0", "Discharging", 80);
        addBattery(sys, "BAT1", "Unknown", 35);
        const PowerState state = readPowerState(sys.root());
        QVERIFY(state.onBattery);
        QCOMPARE(state.batteryPercent.value_or(-1), 35);
    }

    void mainsCountsMoreThanABatteryThatStillEmpties() {
        const Sysfs sys;
        addBattery(sys, "BAT0", "Discharging", 99);
        sys.put("power_supply/AC/type", "Mains");
        sys.put("power_supply/AC/online", "1");
        QVERIFY(!readPowerState(sys.root()).onBattery);
        sys.put("power_supply/AC/online", "0");
        QVERIFY(readPowerState(sys.root()).onBattery);
    }

    void theBatteryOfAMouseIsNone() {
        const Sysfs sys;
        addBattery(sys, "hidpp_battery_0", "Discharging", 5);
        sys.put("power_supply/hidpp_battery_0/scope", "Device");
        const PowerState state = readPowerState(sys.root());
        QVERIFY(!state.onBattery && !state.batteryPercent);
    }

    void hotIsWhatIsNearWhereTheKernelStops() {
        const Sysfs sys;
        addZone(sys, "thermal_zone0", 70, 100);
        addZone(sys, "thermal_zone1", 94, 100);
        QVERIFY(!readPowerState(sys.root()).tooHot);
        QCOMPARE(readPowerState(sys.root()).hottestCelsius.value_or(0), 94.0);
        addZone(sys, "thermal_zone0", 95, 100);
        QVERIFY(readPowerState(sys.root()).tooHot);
    }

    void whatIsNoNumberIsPassedOver() {
        const Sysfs sys;
        addBattery(sys, "BAT0", "Full", 50);
        sys.put("power_supply/BAT0/capacity", "many");
        sys.put("thermal/thermal_zone0/temp", "");
        sys.put("thermal/thermal_zone1/temp", "99999999999999999999999");
        const PowerState state = readPowerState(sys.root());
        QVERIFY(!state.batteryPercent && !state.hottestCelsius && !state.tooHot);
    }
};

QTEST_GUILESS_MAIN(PowerStateTest)
#include "power_state_test.moc"
