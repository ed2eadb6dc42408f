#include "core/queue/power_watch.h"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace kinora::core;

namespace {

namespace fs = std::filesystem;

class Sysfs {
  public:
    void put(const std::string& file, const std::string& line) const {
        const fs::path path = root() / "class" / file;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << line << '\n';
    }
    void setBattery(const std::string& status) const {
        put("power_supply/BAT0/type", "Battery");
        put("power_supply/BAT0/status", status);
    }
    void setCelsius(int celsius) const {
        put("thermal/thermal_zone0/temp", std::to_string(celsius * 1000));
        put("thermal/thermal_zone0/trip_point_0_type", "critical");
        put("thermal/thermal_zone0/trip_point_0_temp", "100000");
    }
    fs::path root() const { return m_folder.path().toStdString(); }

  private:
    QTemporaryDir m_folder;
};

} // namespace

class PowerWatchTest : public QObject {
    Q_OBJECT

  private slots:
    void asksNothingUnlessItIsWanted() {
        const Sysfs sys;
        sys.setBattery("Discharging");
        sys.setCelsius(99);
        PowerWatch watch({.sysfs = sys.root()});
        QCOMPARE(watch.reasonToHold(0), std::string());
    }

    void holdsOnBatteryAndLooksOnlyNowAndThen() {
        const Sysfs sys;
        sys.setBattery("Discharging");
        PowerWatch watch({.pauseOnBattery = true, .sysfs = sys.root()});
        QCOMPARE(watch.reasonToHold(0), std::string("the machine runs on its battery"));
        sys.setBattery("Charging");
        QCOMPARE(watch.reasonToHold(4), std::string("the machine runs on its battery"));
        QCOMPARE(watch.reasonToHold(5), std::string());
    }

    void newOptionsCountFromTheNextLook() {
        const Sysfs sys;
        sys.setBattery("Discharging");
        PowerWatch watch({.pauseOnBattery = true, .sysfs = sys.root()});
        QVERIFY(!watch.reasonToHold(0).empty());
        watch.setOptions({.sysfs = sys.root()});
        QCOMPARE(watch.reasonToHold(1), std::string());
        watch.setOptions({.pauseOnBattery = true, .sysfs = sys.root()});
        QVERIFY(!watch.reasonToHold(1.5).empty());
    }

    void goesOnOnlyWhenItHasBeenCoolForAWhile() {
        const Sysfs sys;
        sys.setCelsius(97);
        PowerWatch watch({.pauseWhenHot = true, .sysfs = sys.root()});
        QCOMPARE(watch.reasonToHold(0), std::string("the machine is too hot"));
        sys.setCelsius(60);
        QCOMPARE(watch.reasonToHold(30), std::string("the machine is too hot"));
        QCOMPARE(watch.reasonToHold(61), std::string());
    }
};

QTEST_GUILESS_MAIN(PowerWatchTest)
#include "power_watch_test.moc"
