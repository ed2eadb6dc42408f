#include "core/engine/worker/shared_segment.h"

#include <QTest>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <random>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;

namespace {

std::vector<std::byte> bytes(size_t count, int value) {
    return std::vector<std::byte>(count, static_cast<std::byte>(value));
}

// The other process's view, in this one.
Result<SharedSegment> attachedTo(const SharedSegment& segment) {
    return SharedSegment::attach(Descriptor(::dup(segment.descriptor())));
}

size_t blocksOf(const SharedSegment& segment) {
    struct stat status{};
    ::fstat(segment.descriptor(), &status);
    return static_cast<size_t>(status.st_blocks) * 512;
}

} // namespace

class SharedSegmentTest : public QObject {
    Q_OBJECT

  private slots:
    void bothSidesSeeTheSame() {
        Result<SharedSegment> ours = SharedSegment::create();
        QVERIFY(ours.ok());
        Result<SharedSegment> theirs = attachedTo(*ours);
        QVERIFY(theirs.ok());
        QVERIFY(ours->checkpoints().empty());
        for (int i = 1; i <= 3; ++i)
            QVERIFY(theirs->keepCheckpoint(bytes(1000 * static_cast<size_t>(i), i)).ok());
        const auto kept = ours->checkpoints();
        QCOMPARE(kept.size(), size_t{2});
        QVERIFY(kept[0] == bytes(3000, 3));
        QVERIFY(kept[1] == bytes(2000, 2));
        const std::vector<float> pixels{0.25f, 0.5f, 1.0f};
        QVERIFY(theirs->putPixels(pixels).ok());
        QVERIFY(std::memcmp(ours->outbox().data(), pixels.data(), 12) == 0);
        ours->clearCheckpoints();
        QVERIFY(theirs->checkpoints().empty());
    }

    void cannotBeShrunk() {
        const Result<SharedSegment> segment = SharedSegment::create();
        QVERIFY(::ftruncate(segment->descriptor(), 4096) != 0);
        QCOMPARE(errno, EPERM);
    }

    void refusesWhatIsNoSegment() {
        QCOMPARE(SharedSegment::attach(Descriptor(::open("/dev/null", O_RDWR))).error().code(),
                 ErrorCode::BadFile);
        Descriptor open(::memfd_create("open", MFD_ALLOW_SEALING));
        QVERIFY(::ftruncate(open.get(), 1 << 20) == 0);
        const std::string notSealed = SharedSegment::attach(std::move(open)).error().message();
        QVERIFY2(notSealed.find("not sealed") != std::string::npos, notSealed.c_str());
        Descriptor small(::memfd_create("small", MFD_ALLOW_SEALING));
        QVERIFY(::ftruncate(small.get(), 1 << 20) == 0);
        ::fcntl(small.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
        const std::string size = SharedSegment::attach(std::move(small)).error().message();
        QVERIFY2(size.find("another size") != std::string::npos, size.c_str());
    }

    // A crashed worker may have written anything there.
    void passesOverImpossibleHeads() {
        Result<SharedSegment> segment = SharedSegment::create();
        QVERIFY(segment->keepCheckpoint(bytes(10, 1)).ok());
        void* head =
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment->descriptor(), 0);
        QVERIFY(head != MAP_FAILED);
        const std::span<uint64_t> words(static_cast<uint64_t*>(head), 512);
        words[16] = UINT64_MAX;                          // the second place's sequence
        words[17] = SharedSegment::kCheckpointBytes + 1; // and its length
        QCOMPARE(segment->checkpoints().size(), size_t{1});
        words[17] = 0;
        QCOMPARE(segment->checkpoints().size(), size_t{1});
        ::munmap(head, 4096);
    }

    void refusesWhatIsTooLarge() {
        Result<SharedSegment> segment = SharedSegment::create();
        QVERIFY(segment->keepCheckpoint(bytes(10, 1)).ok());
        const std::byte one{};
        const std::span<const std::byte> huge(&one, SharedSegment::kCheckpointBytes + 1);
        QCOMPARE(segment->keepCheckpoint(huge).error().code(), ErrorCode::OutOfMemory);
        QCOMPARE(segment->checkpoints().size(), size_t{1});
    }

    // The writer is killed at any moment: what is found is always one whole checkpoint.
    void isWholeWhereverItsWriterIsKilled() {
        std::mt19937 random(7);
        for (int round = 0; round < 30; ++round) {
            Result<SharedSegment> segment = SharedSegment::create();
            QVERIFY(segment->keepCheckpoint(bytes(100'000, 255)).ok());
            const pid_t writer = ::fork();
            if (writer == 0)
                for (int i = 0;; ++i)
                    (void)segment->keepCheckpoint(bytes(50'000 + 1000 * (i % 100), i % 251));
            ::usleep(500 + random() % 3000);
            ::kill(writer, SIGKILL);
            ::waitpid(writer, nullptr, 0);
            const auto kept = segment->checkpoints();
            QVERIFY(!kept.empty());
            const auto& newest = kept.front();
            QVERIFY(std::ranges::all_of(newest, [&](std::byte b) { return b == newest.front(); }));
            const bool first = newest.front() == std::byte{255};
            QVERIFY(first ? newest.size() == 100'000 : newest.size() % 1000 == 0);
        }
    }

    void givesLargePicturesBack() {
        Result<SharedSegment> segment = SharedSegment::create();
        QVERIFY(segment->putPixels(std::vector<float>(16 << 20)).ok());
        QVERIFY(blocksOf(*segment) >= size_t{64} << 20);
        segment->releaseMemory();
        QVERIFY(blocksOf(*segment) < size_t{16} << 20);
    }
};

QTEST_GUILESS_MAIN(SharedSegmentTest)
#include "shared_segment_test.moc"
