#include "core/engine/process_memory.h"

#include <QProcess>
#include <QTest>

#include <cstdio>
#include <numeric>
#include <string_view>
#include <sys/mman.h>
#include <vector>

using namespace kinora::core;

namespace {

constexpr const char* kTellPeak = "--tell-peak";

} // namespace

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

    void knowsNothingOfTheProgramThatStartedThisOne() {
        std::vector<char> memory(size_t{512} << 20, 'x');
        QVERIFY(peakResidentBytes() > memory.size());
        QProcess child;
        child.start(QCoreApplication::applicationFilePath(), {kTellPeak});
        QVERIFY(child.waitForFinished());
        const qulonglong peak = child.readAllStandardOutput().toULongLong();
        QVERIFY(peak > 0);
        QVERIFY2(peak < memory.size() / 2, qPrintable(QString::number(peak)));
    }
};

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == kTellPeak) {
        std::printf("%llu\n", static_cast<unsigned long long>(peakResidentBytes()));
        return 0;
    }
    const QCoreApplication application(argc, argv);
    ProcessMemoryTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "process_memory_test.moc"
