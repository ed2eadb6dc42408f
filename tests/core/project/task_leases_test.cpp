#include "core/project/lease_holder.h"
#include "core/project/task_leases.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace kinora;
using namespace kinora::core;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

const TaskLeases::Options kQuick{.renewEvery = 50ms, .staleAfter = 1000ms};

// As if its holder had not touched it for so long.
void age(const fs::path& lease, int seconds) {
    struct timespec times[2] = {{::time(nullptr) - seconds, 0}, {::time(nullptr) - seconds, 0}};
    QCOMPARE(::utimensat(AT_FDCWD, lease.c_str(), times, 0), 0);
}

LeaseHolder stranger() {
    LeaseHolder holder = thisHolder("stranger");
    holder.host = "elsewhere";
    holder.bootId = "another";
    return holder;
}

} // namespace

class TaskLeasesTest : public QObject {
    Q_OBJECT

  private slots:
    // Whoever goes removes the empty folder, whoever comes makes it.
    void comingAndGoingAtOnceIsNoError() {
        const test::TemporaryFolder folder;
        const fs::path work = folder.path() / "w";
        int errors = 0;
        TaskLeases leases(work);
        std::jthread leaving([&](const std::stop_token& stop) { // as all that go do
            while (!stop.stop_requested()) ::rmdir(work.c_str());
        });
        for (int i = 0; i < 2000; ++i) {
            if (const auto answer = leases.acquire("a.png"); !answer || !answer->mine) ++errors;
            leases.release("a.png");
        }
        QCOMPARE(errors, 0);
    }

    void oneHoldsAtATime() {
        const test::TemporaryFolder folder;
        TaskLeases first(folder.path() / "w"), second(folder.path() / "w");
        QVERIFY(first.acquire("a.png")->mine);
        const auto answer = second.acquire("a.png");
        QVERIFY(!answer->mine);
        QVERIFY(answer->holder.find(std::to_string(::getpid())) != std::string::npos);
        QVERIFY(second.acquire("b.png")->mine);
        first.release("a.png");
        QVERIFY(second.acquire("a.png")->mine);
        first.release("a.png"); // no longer its own: nothing happens
        QVERIFY(!first.acquire("a.png")->mine);
    }

    void leavesNothingBehind() {
        const test::TemporaryFolder folder;
        {
            TaskLeases leases(folder.path() / "w");
            QVERIFY(leases.acquire("a.png")->mine);
        }
        QVERIFY(!fs::exists(folder.path() / "w"));
    }

    void workThatGoesOnIsNotTakenOver() {
        const test::TemporaryFolder folder;
        TaskLeases holder(folder.path(), kQuick), other(folder.path(), kQuick);
        QVERIFY(holder.acquire("a.png")->mine);
        std::this_thread::sleep_for(1500ms);
        QVERIFY(!other.acquire("a.png")->mine);
    }

    void aDeadProcessOfThisMachineIsSeenAtOnce() {
        const test::TemporaryFolder folder;
        const pid_t child = ::fork();
        if (child == 0) {
            const std::string text = leaseText(thisHolder("dead"));
            std::ofstream(folder.path() / "a.png.lease") << text;
            ::_exit(0); // no destructor releases it
        }
        int status = 0;
        QCOMPARE(::waitpid(child, &status, 0), child);
        TaskLeases leases(folder.path());
        const auto answer = leases.acquire("a.png");
        QVERIFY(answer->mine && answer->takenOver);
        leases.release("a.png");
        QVERIFY(fs::is_empty(folder.path()));
    }

    void aNumberThatIsUsedAgainIsAnotherProcess() {
        LeaseHolder holder = thisHolder("t");
        QCOMPARE(stateOf(holder), HolderState::Alive);
        holder.processStart += 1;
        QCOMPARE(stateOf(holder), HolderState::Gone);
        holder.pidNamespace = "pid:[1]"; // a container: its numbers are not ours
        QCOMPARE(stateOf(holder), HolderState::Elsewhere);
        QCOMPARE(stateOf(stranger()), HolderState::Elsewhere);
    }

    void anotherMachineIsWaitedForUntilItsLeaseIsStale() {
        const test::TemporaryFolder folder;
        const fs::path lease = folder.write("a.png.lease", leaseText(stranger()));
        TaskLeases leases(folder.path());
        const auto fresh = leases.acquire("a.png");
        QVERIFY(!fresh->mine);
        QVERIFY(fresh->holder.starts_with("elsewhere"));
        age(lease, 50);
        QVERIFY(!leases.acquire("a.png")->mine);
        age(lease, 70);
        QVERIFY(leases.acquire("a.png")->mine);
    }

    void unreadableLeasesAreTimedOut() {
        const test::TemporaryFolder folder;
        const fs::path empty = folder.write("a.png.lease", "");
        const fs::path odd = folder.write("b.png.lease", "{\"pid\":-1}");
        TaskLeases leases(folder.path());
        QVERIFY(!leases.acquire("a.png")->mine);
        QVERIFY(!leases.acquire("b.png")->mine);
        age(empty, 70);
        age(odd, 70);
        QVERIFY(leases.acquire("a.png")->mine);
        QVERIFY(leases.acquire("b.png")->mine);
    }

    void ofManyWhoTakeOverOneWins() {
        for (int round = 0; round < 20; ++round) {
            const test::TemporaryFolder folder;
            age(folder.write("a.png.lease", leaseText(stranger())), 70);
            constexpr int kMany = 8;
            std::vector<std::unique_ptr<TaskLeases>> all;
            for (int i = 0; i < kMany; ++i)
                all.push_back(std::make_unique<TaskLeases>(folder.path()));
            std::atomic<int> winners = 0, ready = 0;
            std::vector<std::thread> threads;
            for (auto& leases : all)
                threads.emplace_back([&] {
                    ++ready;
                    while (ready < kMany) {
                    }
                    if (leases->acquire("a.png")->mine) ++winners;
                });
            for (std::thread& thread : threads) thread.join();
            QCOMPARE(winners.load(), 1);
        }
    }

    void sweepingTakesAwayWhatNobodyHolds() {
        const test::TemporaryFolder folder;
        LeaseHolder dead = thisHolder("dead");
        dead.processStart += 1;
        folder.write("a.png.lease", leaseText(dead));
        folder.write("b.png.lease", leaseText(stranger()));
        folder.write("c.png.lease.token", "aside, and its work is done");
        folder.write("d.checkpoint", "not a lease");
        TaskLeases leases(folder.path());
        QVERIFY(leases.acquire("e.png")->mine);
        leases.sweep();
        std::set<std::string> left;
        for (const auto& entry : fs::directory_iterator(folder.path()))
            left.insert(entry.path().filename().string());
        QCOMPARE(left, (std::set<std::string>{"b.png.lease", "d.checkpoint", "e.png.lease"}));
    }

    void aFolderThatCannotBeWrittenIsAnError() {
        const test::TemporaryFolder folder;
        folder.write("file", "x");
        TaskLeases leases(folder.path() / "file");
        const auto answer = leases.acquire("a.png");
        QVERIFY(!answer);
        QCOMPARE(answer.error().code(), ErrorCode::Io);
        TaskLeases below(folder.path() / "file" / "w");
        const auto began = std::chrono::steady_clock::now();
        QVERIFY(!below.acquire("a.png"));
        QVERIFY(std::chrono::steady_clock::now() - began < 5s); // and at once
    }

    void hostileLeasesAreNone() {
        for (const char* text :
             {"", "{}", "[]", "{\"token\":1}", "null",
              R"({"token":"t","host":"h","boot":"b","pidNamespace":"p","pid":1e9,"start":0})",
              R"({"token":"t","host":"h","boot":"b","pidNamespace":"p","pid":-4,"start":0})"})
            QVERIFY2(!parseLease(text), text);
        const auto read = parseLease(leaseText(stranger()));
        QVERIFY(read);
        QCOMPARE(read->host, std::string("elsewhere"));
        QCOMPARE(read->pid, int64_t{::getpid()});
    }
};

QTEST_GUILESS_MAIN(TaskLeasesTest)
#include "task_leases_test.moc"
