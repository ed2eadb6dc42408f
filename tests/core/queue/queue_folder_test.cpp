#include "core/queue/queue_folder.h"
#include "tests/core/queue/queue_samples.h"

#include <sys/wait.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::testing;

class QueueFolderTest : public QObject {
    Q_OBJECT

  private slots:
    void oneProcessOwnsIt() {
        const QueueSample sample;
        const QueueFolder folder(sample.data());
        makeQueueFolder(folder);
        QCOMPARE(OwnerLock::ownerOf(folder), 0);
        const Result<OwnerLock> lock = OwnerLock::take(folder);
        QVERIFY(lock.ok());
        // A second one in this process counts like another process: the lock is the file's.
        const Result<OwnerLock> second = OwnerLock::take(folder);
        QCOMPARE(codeOf(second), ErrorCode::Busy);
        QVERIFY(second.error().message().find(std::to_string(::getpid())) != std::string::npos);
        QCOMPARE(OwnerLock::ownerOf(folder), static_cast<int>(::getpid()));
    }

    void theSystemLetsGoOfItWhenItsOwnerIsKilled() {
        const QueueSample sample;
        const QueueFolder folder(sample.data());
        makeQueueFolder(folder);
        int ready[2];
        QCOMPARE(::pipe(ready), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const Result<OwnerLock> lock = OwnerLock::take(folder);
            const char byte = lock ? 'y' : 'n';
            if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
            ::pause();
        }
        char byte = 0;
        QCOMPARE(::read(ready[0], &byte, 1), ssize_t{1});
        QCOMPARE(byte, 'y');
        QCOMPARE(OwnerLock::ownerOf(folder), static_cast<int>(child));
        QCOMPARE(codeOf(OwnerLock::take(folder)), ErrorCode::Busy);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        ::close(ready[0]);
        ::close(ready[1]);
        QVERIFY(OwnerLock::take(folder).ok());
    }

    void networksAreTold_data() {
        QTest::addColumn<qlonglong>("type");
        QTest::addColumn<bool>("network");
        QTest::newRow("nfs") << 0x6969LL << true;
        QTest::newRow("cifs") << 0xff534d42LL << true;
        QTest::newRow("cifs, signed") << -11317950LL << true; // 0xff534d42 in 32 bits
        QTest::newRow("ceph") << 0x00c36400LL << true;
        QTest::newRow("ext4") << 0xef53LL << false;
        QTest::newRow("btrfs") << 0x9123683eLL << false;
        QTest::newRow("tmpfs") << 0x01021994LL << false; // one digit from 9P
        QTest::newRow("overlay") << 0x794c7630LL << false;
    }
    void networksAreTold() {
        QFETCH(qlonglong, type);
        QFETCH(bool, network);
        QCOMPARE(isNetworkFileSystem(static_cast<long>(type)), network);
    }

    void aFolderThatCannotBeMadeIsTold() {
        const QueueSample sample;
        const auto file = sample.folder.write("file", "");
        const auto store = QueueStore::open(file);
        QCOMPARE(codeOf(store), ErrorCode::Io);
        QVERIFY(store.error().message().find("file") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(QueueFolderTest)
#include "queue_folder_test.moc"
