#include "core/engine/checkpoint.h"
#include "core/engine/worker/shared_checkpoints.h"
#include "tests/support/checkpoint_sample.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

using namespace kinora;
using namespace kinora::core;

namespace {

std::vector<std::byte> checkpointAfter(int64_t calls) {
    Checkpoint checkpoint = test::sampleCheckpoint();
    checkpoint.state.run->calls = calls;
    return toBytes(checkpoint);
}

int64_t callsIn(const std::vector<std::byte>& bytes) {
    const Result<Checkpoint> checkpoint = checkpointFromBytes(bytes);
    return checkpoint ? checkpoint->state.run->calls : -1;
}

} // namespace

class SharedCheckpointsTest : public QObject {
    Q_OBJECT

  private slots:
    void init() { m_segment.emplace(*SharedSegment::create()); }

    void givesBackWhatTheLastWorkerKept() {
        SharedCheckpoints before(*m_segment, {});
        QVERIFY(before.latest()->empty());
        QVERIFY(before.wants(KeepWhen::Due)); // after every step
        before.keep(checkpointAfter(3), KeepWhen::Due);
        before.keep(checkpointAfter(4), KeepWhen::Due);
        SharedCheckpoints next(*m_segment, {});
        QCOMPARE(callsIn(*next.latest()), 4);
        next.clear();
        QVERIFY(next.latest()->empty());
    }

    void passesOverWhatACrashDamaged() {
        SharedCheckpoints store(*m_segment, {});
        store.keep(checkpointAfter(3), KeepWhen::Due);
        auto damaged = checkpointAfter(4);
        damaged.back() ^= std::byte{1};
        store.keep(damaged, KeepWhen::Due);
        QCOMPARE(callsIn(*store.latest()), 3);
    }

    void keepsAFileForTheDayWhenTheStudioIsGone() {
        const std::filesystem::path file = m_folder.filePath("kept").toStdString();
        SharedCheckpoints store(*m_segment, file);
        store.keep(checkpointAfter(3), KeepWhen::Due); // ten seconds are not over
        QVERIFY(!std::filesystem::exists(file));
        store.keep(checkpointAfter(4), KeepWhen::Now);
        QVERIFY(std::filesystem::exists(file));
        store.keep(checkpointAfter(5), KeepWhen::Due);
        QCOMPARE(callsIn(*store.latest()), 5);
        m_segment->clearCheckpoints(); // another studio, another segment
        QCOMPARE(callsIn(*store.latest()), 4);
        store.clear();
        QVERIFY(!std::filesystem::exists(file));
    }

  private:
    QTemporaryDir m_folder;
    std::optional<SharedSegment> m_segment;
};

QTEST_GUILESS_MAIN(SharedCheckpointsTest)
#include "shared_checkpoints_test.moc"
