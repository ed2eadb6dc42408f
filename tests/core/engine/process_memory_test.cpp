#include "core/engine/process_memory.h"

#include <QTest>

#include <memory>
#include <numeric>

using namespace kinora::core;

class ProcessMemoryTest : public QObject {
    Q_OBJECT

  private slots:
    void followsWhatIsTouched() {
        constexpr size_t kBytes = size_t{64} << 20;
        const uint64_t before = residentBytes();
        QVERIFY(before > 0);
        {
            const auto memory = std::make_unique_for_overwrite<unsigned char[]>(kBytes);
            std::iota(memory.get(), memory.get() + kBytes, static_cast<unsigned char>(0));
            QVERIFY(memory[kBytes - 1] == 255); // read: the writing may not be left out
            QVERIFY(residentBytes() >= before + kBytes / 8 * 7);
        }
        QVERIFY(residentBytes() < before + kBytes / 8);
        QVERIFY(peakResidentBytes() >= before + kBytes / 8 * 7); // and the peak stays
    }
};

QTEST_GUILESS_MAIN(ProcessMemoryTest)
#include "process_memory_test.moc"
