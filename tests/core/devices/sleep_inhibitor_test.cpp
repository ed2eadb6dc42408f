// With a message bus of the test's own, on which the test stands for logind; systemd-inhibit and
// the bus are the real ones.

#include "core/devices/sleep_inhibitor.h"

#include <QDBusConnection>
#include <QDBusError>
#include <QDBusUnixFileDescriptor>
#include <QProcess>
#include <QTest>

#include <array>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

using namespace kinora::core;

namespace {

constexpr int kPatienceMilliseconds = 10'000;

} // namespace

// What of logind systemd-inhibit calls.
class Logind : public QObject {
    Q_OBJECT
    Q_CLASSINFO("D-Bus Interface", "org.freedesktop.login1.Manager")

  public:
    QString m_what, m_who, m_why, m_mode;
    int m_watched = -1; // reads end-of-file once the request is let go
    ~Logind() override {
        if (m_watched >= 0) ::close(m_watched);
    }

    bool released() const {
        char byte = 0;
        return m_watched >= 0 && ::read(m_watched, &byte, 1) == 0;
    }

  public slots:
    Q_SCRIPTABLE QDBusUnixFileDescriptor Inhibit(const QString& what, const QString& who,
                                                 const QString& why, const QString& mode) {
        m_what = what;
        m_who = who;
        m_why = why;
        m_mode = mode;
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return {};
        m_watched = ends[0];
        QDBusUnixFileDescriptor held;
        held.giveFileDescriptor(ends[1]);
        return held;
    }
};

class SleepInhibitorTest : public QObject {
    Q_OBJECT

    QProcess m_bus;
    Logind m_logind;

  private slots:
    void initTestCase() {
        m_bus.start("dbus-daemon", {"--session", "--nofork", "--print-address"});
        QVERIFY(m_bus.waitForReadyRead(kPatienceMilliseconds));
        const QByteArray address = m_bus.readLine().trimmed();
        qputenv("DBUS_SYSTEM_BUS_ADDRESS", address);
        QDBusConnection bus = QDBusConnection::connectToBus(QString(address), "logind");
        QVERIFY2(bus.isConnected(), qPrintable(bus.lastError().message()));
        QVERIFY(bus.registerService("org.freedesktop.login1"));
        QVERIFY(bus.registerObject("/org/freedesktop/login1", &m_logind,
                                   QDBusConnection::ExportScriptableSlots));
    }
    void cleanupTestCase() {
        m_bus.kill();
        m_bus.waitForFinished();
    }

    void holdsWhileItLives() {
        auto awake = std::make_unique<SleepInhibitor>("Rendering 40 pictures");
        QTRY_COMPARE_WITH_TIMEOUT(m_logind.m_why, QString("Rendering 40 pictures"),
                                  kPatienceMilliseconds);
        QCOMPARE(m_logind.m_what, QString("sleep:idle"));
        QCOMPARE(m_logind.m_who, QString("Kinora"));
        QCOMPARE(m_logind.m_mode, QString("block"));
        QVERIFY(awake->holds());
        QVERIFY(!m_logind.released());
        awake.reset();
        QTRY_VERIFY_WITH_TIMEOUT(m_logind.released(), kPatienceMilliseconds);
    }

    void aRefusalHindersNothing() {
        qputenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all");
        const SleepInhibitor awake("Rendering");
        QTRY_VERIFY_WITH_TIMEOUT(!awake.holds(), kPatienceMilliseconds);
    }

    void withoutTheCommandNothingIsHeld() {
        const QByteArray path = qgetenv("PATH");
        qputenv("PATH", "/nowhere");
        const SleepInhibitor awake("Rendering");
        qputenv("PATH", path);
        QVERIFY(!awake.holds());
    }
};

QTEST_GUILESS_MAIN(SleepInhibitorTest)
#include "sleep_inhibitor_test.moc"
