#include "core/engine/process_memory.h"

#include <QTest>

#include <numeric>
#include <sys/mman.h>

using namespace kinora::core;

class ProcessMemoryTest : public QObject {
    Q_OBJECT

  private slots:
    void followsWhatIsTouched() {
        constexpr size_t kBytes = size_t{64} << 20;
        const uint64_t before = residentBytes();
        QVERIFY(before > 0);
        // Mapped, not allocated: an allocator may keep what it is given back.
        void* const mapping =
            ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        QVERIFY(mapping != MAP_FAILED);
        auto* const memory = static_cast<unsigned char*>(mapping);
        std::iota(memory, memory + kBytes, static_cast<unsigned char>(0));
        QVERIFY(memory[kBytes - 1] == 255); // read: the writing may not be left out
        QVERIFY(residentBytes() >= before + kBytes / 8 * 7);
        QCOMPARE(::munmap(mapping, kBytes), 0);
        QVERIFY(residentBytes() < before + kBytes / 8);
        QVERIFY(peakResidentBytes() >= before + kBytes / 8 * 7); // and the peak stays
    }
};

QTEST_GUILESS_MAIN(ProcessMemoryTest)
#include "process_memory_test.moc"
