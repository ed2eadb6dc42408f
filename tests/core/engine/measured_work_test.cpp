#include "core/engine/measured_work.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/ops/elementwise.h"

#include <QTest>

using namespace kinora;
using core::MeasuredWork;

class MeasuredWorkTest : public QObject {
    Q_OBJECT

    kernels::Device m_device{kernels::cpuBackend(), {.threads = 1}};
    const pipelines::DeviceSpeed m_speed{1, 1, 1, 1, 1, 1, {1, 1, 1, 1, 1}};

    void work(int ops) {
        const kernels::Tensor x = m_device.empty({64}, kernels::DType::F32);
        for (int i = 0; i < ops; ++i) kernels::clamp(x, 0, 1);
    }

    static int64_t opsOf(const MeasuredWork& measured) {
        return measured.times()
                   ? (*measured.times())[static_cast<size_t>(kernels::WorkClass::Memory)].ops
                   : 0;
    }

  private slots:
    void countsAllStepsButTheFirst() {
        MeasuredWork measured(m_speed);
        work(100); // before it begins
        measured.begin(m_device);
        work(10);
        measured.stepDone();
        QVERIFY(!measured.times());
        work(3);
        measured.stepDone();
        work(3);
        measured.stepDone();
        QCOMPARE(opsOf(measured), int64_t{6});
        const pipelines::ClassTime& time =
            measured.times()->at(static_cast<size_t>(kernels::WorkClass::Memory));
        QVERIFY(time.seconds > 0 && time.seconds < 1);
        QVERIFY(time.predictedSeconds > 6);
    }

    void leavesOutWhatIsNoStep() {
        MeasuredWork measured(m_speed);
        measured.begin(m_device);
        measured.stepDone();
        work(50); // a picture is decoded
        measured.skip();
        work(2);
        measured.stepDone();
        measured.end();
        work(5);
        measured.stepDone(); // of nothing that is measured
        QCOMPARE(opsOf(measured), int64_t{2});
        measured.begin(m_device); // the next pass
        work(7);
        measured.stepDone();
        work(1);
        measured.stepDone();
        QCOMPARE(opsOf(measured), int64_t{3});
    }

    void leavesTheDeviceAsItWas() {
        {
            MeasuredWork measured(m_speed);
            measured.begin(m_device);
            QVERIFY(m_device.recording());
        }
        QVERIFY(!m_device.recording());
    }
};

QTEST_GUILESS_MAIN(MeasuredWorkTest)
#include "measured_work_test.moc"
